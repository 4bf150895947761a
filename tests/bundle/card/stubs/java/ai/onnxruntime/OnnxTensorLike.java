package ai.onnxruntime;

/** A stub of onnxruntime's class: signatures of what cards call, for a compiler. */
public abstract class OnnxTensorLike implements OnnxValue {}

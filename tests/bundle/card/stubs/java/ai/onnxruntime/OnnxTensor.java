package ai.onnxruntime;

/** A stub of onnxruntime's class: signatures of what cards call, for a compiler. */
public class OnnxTensor extends OnnxTensorLike {
  public static OnnxTensor createTensor(OrtEnvironment env, Object data) throws OrtException {
    return null;
  }

  @Override
  public Object getValue() throws OrtException {
    return null;
  }

  @Override
  public void close() {}
}

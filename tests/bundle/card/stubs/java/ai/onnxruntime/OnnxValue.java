package ai.onnxruntime;

/** A stub of onnxruntime's interface: signatures of what cards call, for a compiler. */
public interface OnnxValue extends AutoCloseable {
  Object getValue() throws OrtException;

  @Override
  void close();
}

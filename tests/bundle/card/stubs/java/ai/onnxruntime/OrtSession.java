package ai.onnxruntime;

import java.util.Map;
import java.util.Optional;

/** A stub of onnxruntime's class: signatures of what cards call, for a compiler. */
public class OrtSession implements AutoCloseable {
  public Result run(Map<String, ? extends OnnxTensorLike> inputs) throws OrtException {
    return null;
  }

  @Override
  public void close() throws OrtException {}

  public static class SessionOptions implements AutoCloseable {
    public void addConfigEntry(String key, String value) throws OrtException {}

    @Override
    public void close() {}
  }

  public static class Result implements AutoCloseable {
    public Optional<OnnxValue> get(String name) {
      return Optional.empty();
    }

    @Override
    public void close() {}
  }
}

package ai.onnxruntime;

/** A stub of onnxruntime's class: signatures of what cards call, for a compiler. */
public final class OrtEnvironment implements AutoCloseable {
  public static OrtEnvironment getEnvironment() {
    return null;
  }

  public OrtSession createSession(String path, OrtSession.SessionOptions options)
      throws OrtException {
    return null;
  }

  @Override
  public void close() {}
}

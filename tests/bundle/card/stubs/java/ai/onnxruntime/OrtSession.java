package ai.onnxruntime;

import java.util.Iterator;
import java.util.Map;

// What the cards' programs use of onnxruntime's Java interface.
public class OrtSession {
    public static class SessionOptions {
        public void addConfigEntry(String key, String value) throws OrtException {}
    }

    public static class Result implements AutoCloseable, Iterable<Map.Entry<String, OnnxValue>> {
        @Override
        public void close() {}

        @Override
        public Iterator<Map.Entry<String, OnnxValue>> iterator() {
            throw new UnsupportedOperationException();
        }
    }

    public Result run(Map<String, ? extends OnnxTensor> inputs) throws OrtException {
        throw new OrtException();
    }
}

package ai.onnxruntime;

public class OnnxTensor implements OnnxValue {
    public static OnnxTensor createTensor(OrtEnvironment environment, Object data)
            throws OrtException {
        throw new OrtException();
    }

    @Override
    public Object getValue() throws OrtException {
        throw new OrtException();
    }
}

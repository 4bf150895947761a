// The calls of onnxruntime's C++ API that cards use, declared and not defined: for -fsyntax-only
// where onnxruntime's own headers cannot be had.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#define ORT_TSTR(text) text
struct OrtAllocator;
enum OrtLoggingLevel { ORT_LOGGING_LEVEL_WARNING };
enum ONNXTensorElementDataType { ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING };

namespace Ort {
struct Env { explicit Env(OrtLoggingLevel level); };
struct RunOptions {};
struct SessionOptions { SessionOptions& AddConfigEntry(const char* key, const char* value); };
struct AllocatorWithDefaultOptions { operator OrtAllocator*(); };
struct TensorTypeAndShapeInfo { size_t GetElementCount() const; };
struct Value {
  template <typename T>
  static Value CreateTensor(OrtAllocator* allocator, const int64_t* shape, size_t axes);
  static Value CreateTensor(OrtAllocator* allocator, const int64_t* shape, size_t axes,
                            ONNXTensorElementDataType type);
  template <typename T>
  T* GetTensorMutableData();
  template <typename T>
  const T* GetTensorData() const;
  TensorTypeAndShapeInfo GetTensorTypeAndShapeInfo() const;
  std::string GetStringTensorElement(size_t at) const;
  void FillStringTensor(const char* const* texts, size_t count);
};
struct Session {
  Session(Env& env, const char* path, const SessionOptions& options);
  std::vector<Value> Run(const RunOptions& options, const char* const* inputs, const Value* values,
                         size_t count, const char* const* outputs, size_t outputs_count);
};
}  // namespace Ort

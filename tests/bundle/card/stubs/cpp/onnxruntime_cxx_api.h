// What the cards' programs use of onnxruntime's C++ interface, as its header declares it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#define ORT_TSTR(text) text
enum OrtAllocatorType { OrtArenaAllocator };
enum OrtMemType { OrtMemTypeDefault };
enum ONNXTensorElementDataType { ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING };
struct OrtAllocator;

namespace Ort {
struct Env {
  Env();
};
struct SessionOptions {
  SessionOptions& AddConfigEntry(const char* key, const char* value);
};
struct RunOptions {};
struct AllocatorWithDefaultOptions {
  operator OrtAllocator*();
};
struct MemoryInfo {
  static MemoryInfo CreateCpu(OrtAllocatorType type, OrtMemType memory);
};
struct Value {
  Value(Value&&);
  template <typename T>
  static Value CreateTensor(const MemoryInfo& info, T* data, size_t count, const int64_t* shape,
                            size_t rank);
  static Value CreateTensor(OrtAllocator* allocator, const int64_t* shape, size_t rank,
                            ONNXTensorElementDataType type);
  void FillStringTensor(const char* const* texts, size_t count);
  template <typename T>
  const T* GetTensorData() const;
  std::string GetStringTensorElement(size_t index) const;
};
struct Session {
  Session(Env& env, const char* path, const SessionOptions& options);
  std::vector<Value> Run(const RunOptions& options, const char* const* names, const Value* values,
                         size_t count, const char* const* outputs, size_t outputs_count);
};
}  // namespace Ort

// NumPy's C interface is used directly, because feeding and fetching are on the path of every Session.run.
#include "value.h"

#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>

#include <cstring>

namespace headrace::python {
namespace {

constexpr size_t kCopyBelow = 4096;  // bytes; a small result is cheaper to copy than to share

int ImportArrays() {
  import_array1(-1);
  return 0;
}

int NumpyType(DType dtype) {
  switch (dtype) {
    case DType::kFloat:
      return NPY_FLOAT32;
    case DType::kDouble:
      return NPY_FLOAT64;
    case DType::kInt32:
      return NPY_INT32;
    case DType::kInt64:
      return NPY_INT64;
    case DType::kUInt8:
      return NPY_UINT8;
    case DType::kInt8:
      return NPY_INT8;
    case DType::kInt16:
      return NPY_INT16;
    case DType::kUInt16:
      return NPY_UINT16;
    case DType::kUInt32:
      return NPY_UINT32;
    case DType::kUInt64:
      return NPY_UINT64;
    case DType::kBool:
      return NPY_BOOL;
    case DType::kHalf:
      return NPY_FLOAT16;
    case DType::kComplex64:
      return NPY_COMPLEX64;
    case DType::kComplex128:
      return NPY_COMPLEX128;
    case DType::kString:
      return NPY_OBJECT;
    case DType::kBFloat16:
      return NPY_UINT16;  // the bits; NumPy has no such type
    default:
      throw nb::type_error(internal::Concat("a ", dtype, " has no NumPy form").c_str());
  }
}

DType FromNumpyType(PyArrayObject* array) {
  switch (PyArray_TYPE(array)) {
    case NPY_FLOAT32:
      return DType::kFloat;
    case NPY_FLOAT64:
      return DType::kDouble;
    case NPY_FLOAT16:
      return DType::kHalf;
    case NPY_COMPLEX64:
      return DType::kComplex64;
    case NPY_COMPLEX128:
      return DType::kComplex128;
    case NPY_BOOL:
      return DType::kBool;
    case NPY_OBJECT:
    case NPY_STRING:
    case NPY_UNICODE:
      return DType::kString;
    default:
      break;
  }
  if (PyArray_ISINTEGER(array)) {
    bool is_signed = PyArray_ISSIGNED(array);
    switch (PyArray_ITEMSIZE(array)) {
      case 1:
        return is_signed ? DType::kInt8 : DType::kUInt8;
      case 2:
        return is_signed ? DType::kInt16 : DType::kUInt16;
      case 4:
        return is_signed ? DType::kInt32 : DType::kUInt32;
      default:
        return is_signed ? DType::kInt64 : DType::kUInt64;
    }
  }
  nb::object description = nb::borrow(reinterpret_cast<PyObject*>(PyArray_DESCR(array)));
  throw nb::type_error(internal::Concat("NumPy type ", nb::str(description).c_str(), " has no tensor form").c_str());
}

std::string BytesOf(PyObject* item) {
  if (PyBytes_Check(item)) return {PyBytes_AS_STRING(item), static_cast<size_t>(PyBytes_GET_SIZE(item))};
  if (PyUnicode_Check(item)) {
    Py_ssize_t size;
    const char* text = PyUnicode_AsUTF8AndSize(item, &size);
    if (!text) nb::raise_python_error();
    return {text, static_cast<size_t>(size)};
  }
  nb::str repr = nb::steal<nb::str>(PyObject_Repr(item));
  throw nb::type_error(
      internal::Concat("Expected string, got ", repr.c_str(), " of type '", Py_TYPE(item)->tp_name, "' instead.")
          .c_str());
}

Shape ShapeOf(PyArrayObject* array) {
  Shape shape;
  for (int i = 0; i < PyArray_NDIM(array); ++i) shape.Append(PyArray_DIM(array, i));
  return shape;
}

nb::object AsArray(nb::handle value, int type = NPY_NOTYPE, bool force = false) {
  PyArray_Descr* description = type == NPY_NOTYPE ? nullptr : PyArray_DescrFromType(type);
  int flags = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED | (force ? NPY_ARRAY_FORCECAST : 0);
  PyObject* array = PyArray_FromAny(value.ptr(), description, 0, 0, flags, nullptr);
  if (!array) nb::raise_python_error();
  return nb::steal(array);
}

Tensor StringsOf(nb::handle value) {
  nb::object objects = AsArray(value, NPY_OBJECT, true);
  auto* array = reinterpret_cast<PyArrayObject*>(objects.ptr());
  Tensor result(DType::kString, ShapeOf(array));
  auto items = static_cast<PyObject**>(PyArray_DATA(array));
  for (int64_t i = 0; i < result.num_elements(); ++i) result.data<std::string>()[i] = BytesOf(items[i]);
  return result;
}

Tensor CopyOf(PyArrayObject* array, DType dtype) {
  Tensor result(dtype, ShapeOf(array));
  if (result.num_elements() > 0) std::memcpy(result.raw(), PyArray_DATA(array), result.bytes());
  return result;
}

// The first thing in a nested list that is not a list; null if there is none.
PyObject* FirstLeaf(PyObject* value) {
  while (PyList_Check(value) || PyTuple_Check(value)) {
    if (PySequence_Fast_GET_SIZE(value) == 0) return nullptr;
    value = PySequence_Fast_GET_ITEM(value, 0);
  }
  return value;
}

// What TensorFlow refuses to convert silently: text to numbers, fractions to integers, numbers to bool or string.
void CheckCompatible(nb::handle value, DType given, DType wanted) {
  bool fine = given == wanted || (IsFloating(wanted) && IsInteger(given)) || (IsInteger(wanted) && IsInteger(given)) ||
              (IsFloating(wanted) && IsFloating(given)) || (IsComplex(wanted) && IsNumeric(given));
  if (fine) return;
  nb::str repr = nb::steal<nb::str>(PyObject_Repr(value.ptr()));
  std::string message = internal::Concat("Expected ", wanted, ", got ", repr.c_str(), " of type '",
                                         Py_TYPE(value.ptr())->tp_name, "' instead.");
  throw nb::type_error(message.c_str());
}

template <class T>
bool FitsInt32(PyArrayObject* array) {
  auto values = static_cast<const T*>(PyArray_DATA(array));
  for (int64_t i = 0; i < PyArray_SIZE(array); ++i) {
    if (values[i] > INT32_MAX || values[i] < INT32_MIN) return false;
  }
  return true;
}

template <class T>
Tensor ScalarOf(T value) {
  return Tensor::Scalar<T>(value);
}

// The common feeds and constants without NumPy: an exact Python float, int or bool. Undefined if it is none of them.
Tensor PythonScalar(PyObject* value, DType dtype) {
  if (PyFloat_CheckExact(value)) {
    double number = PyFloat_AS_DOUBLE(value);
    if (dtype == DType::kFloat || dtype == DType::kInvalid) return ScalarOf(static_cast<float>(number));
    if (dtype == DType::kDouble) return ScalarOf(number);
  } else if (PyBool_Check(value)) {
    if (dtype == DType::kBool || dtype == DType::kInvalid) return ScalarOf(value == Py_True);
  } else if (PyLong_CheckExact(value)) {
    int overflow = 0;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) return {};
    bool small = number >= INT32_MIN && number <= INT32_MAX;
    if (dtype == DType::kInt32 && small) return ScalarOf(static_cast<int32_t>(number));
    if (dtype == DType::kInt64) return ScalarOf(static_cast<int64_t>(number));
    if (dtype == DType::kFloat) return ScalarOf(static_cast<float>(number));
    if (dtype == DType::kDouble) return ScalarOf(static_cast<double>(number));
    if (dtype == DType::kInvalid) {
      return small ? ScalarOf(static_cast<int32_t>(number)) : ScalarOf(static_cast<int64_t>(number));
    }
  } else if (PyBytes_Check(value) || PyUnicode_Check(value)) {
    if (dtype == DType::kString || dtype == DType::kInvalid) return ScalarOf(BytesOf(value));
  }
  return {};
}

Tensor Convert(nb::handle value, DType dtype, bool force) {
  if (Tensor scalar = PythonScalar(value.ptr(), dtype); scalar.defined()) return scalar;
  bool is_numpy = PyArray_Check(value.ptr()) || PyArray_CheckScalar(value.ptr());
  if (!is_numpy) {
    if (PyObject* leaf = FirstLeaf(value.ptr()); leaf && (PyBytes_Check(leaf) || PyUnicode_Check(leaf))) {
      if (dtype != DType::kString && dtype != DType::kInvalid) CheckCompatible(value, DType::kString, dtype);
      return StringsOf(value);
    }
  }
  nb::object object = AsArray(value);
  auto* array = reinterpret_cast<PyArrayObject*>(object.ptr());
  DType given = FromNumpyType(array);
  if (PyArray_SIZE(array) == 0 && !is_numpy) given = dtype == DType::kInvalid ? DType::kFloat : dtype;
  DType wanted = dtype;
  if (wanted == DType::kInvalid) {
    wanted = given;
    if (!is_numpy && given == DType::kDouble) wanted = DType::kFloat;
    if (!is_numpy && given == DType::kInt64 && FitsInt32<int64_t>(array)) wanted = DType::kInt32;
  } else if (!is_numpy && !force) {
    CheckCompatible(value, given, wanted);
  }
  if (wanted == DType::kString) return StringsOf(object);
  if (given == DType::kString && PyArray_SIZE(array) > 0 && !force) CheckCompatible(value, given, wanted);
  if (PyArray_TYPE(array) != NumpyType(wanted)) {
    object = AsArray(object, NumpyType(wanted), true);
    array = reinterpret_cast<PyArrayObject*>(object.ptr());
  }
  return CopyOf(array, wanted);
}

nb::object StringsToPython(const Tensor& value) {
  auto text = [](const std::string& s) {
    return PyBytes_FromStringAndSize(s.data(), static_cast<Py_ssize_t>(s.size()));
  };
  if (value.rank() == 0) return nb::steal(text(*value.data<std::string>()));
  std::vector<npy_intp> dims(value.shape().begin(), value.shape().end());
  PyObject* array = PyArray_SimpleNew(value.rank(), dims.data(), NPY_OBJECT);
  if (!array) nb::raise_python_error();
  auto items = static_cast<PyObject**>(PyArray_DATA(reinterpret_cast<PyArrayObject*>(array)));
  for (int64_t i = 0; i < value.num_elements(); ++i) {
    Py_XDECREF(items[i]);
    items[i] = text(value.data<std::string>()[i]);
  }
  return nb::steal(array);
}

}  // namespace

void ImportNumpy() {
  if (ImportArrays() < 0) nb::raise_python_error();
}

Tensor ToTensor(nb::handle value, DType dtype) {
  return Convert(value, dtype, false);
}

Tensor ToFedTensor(nb::handle value, DType dtype) {
  return Convert(value, dtype, true);
}

nb::object ToPython(const Tensor& value) {
  if (!value.defined()) return nb::none();
  if (value.dtype() == DType::kString) return StringsToPython(value);
  if (value.dtype() == DType::kResource || value.dtype() == DType::kVariant) {
    return nb::str(value.object()->DebugString().c_str());
  }
  int type = NumpyType(value.dtype());
  if (value.rank() == 0) {
    PyArray_Descr* description = PyArray_DescrFromType(type);
    PyObject* scalar = PyArray_Scalar(value.raw(), description, nullptr);
    Py_DECREF(description);
    if (!scalar) nb::raise_python_error();
    return nb::steal(scalar);
  }
  std::vector<npy_intp> dims(value.shape().begin(), value.shape().end());
  // Only a buffer that nobody else holds may be handed out, since the caller may write into the array.
  if (value.bytes() < kCopyBelow || !value.buffer() || value.SharesBuffer()) {
    PyObject* array = PyArray_SimpleNew(value.rank(), dims.data(), type);
    if (!array) nb::raise_python_error();
    if (value.bytes() > 0) {
      std::memcpy(PyArray_DATA(reinterpret_cast<PyArrayObject*>(array)), value.raw(), value.bytes());
    }
    return nb::steal(array);
  }
  auto owner = std::make_unique<Tensor>(value);
  PyObject* capsule = PyCapsule_New(
      owner.get(), nullptr, [](PyObject* self) { delete static_cast<Tensor*>(PyCapsule_GetPointer(self, nullptr)); });
  if (!capsule) nb::raise_python_error();
  PyObject* array = PyArray_SimpleNewFromData(value.rank(), dims.data(), type, owner.release()->raw());
  PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(array), capsule);
  return nb::steal(array);
}

}  // namespace headrace::python

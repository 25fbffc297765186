// Tensors and files of baichuan.h: every argument is checked here.
#include <cstring>

#include "api/handles.h"
#include "baichuan.h"
#include "quant.h"
#include "random.h"

namespace bc {
namespace {

Type checked_type(int32_t type, const char* op) {
  if (!is_type(type)) {
    fail(
        BC_INVALID_ARGUMENT,
        "%s: type has value %d, expected 0 to 6, or BC_CODES of 2 to 6 or 8 bits (a grid: 2 to 4), "
        "group 2^5 to 2^7",
        op, type);
  }
  return static_cast<Type>(type);
}

// Fills type, shape and leading dimension of a contiguous tensor; sizes cannot overflow afterwards.
Tensor checked_tensor(const std::shared_ptr<Context>& context, int32_t type, const int64_t* shape,
                      int32_t rank, const char* op) {
  Tensor t;
  t.context = context;
  t.type = checked_type(type, op);
  if (rank < 1 || rank > kMaxRank)
    fail(BC_INVALID_ARGUMENT, "%s: rank has value %d, expected 1 to 5", op, rank);
  if (shape == nullptr) fail(BC_INVALID_ARGUMENT, "%s: shape is null, expected %d sizes", op, rank);
  t.rank = rank;
  int64_t elements = 1;
  for (int32_t i = 0; i < rank; ++i) {
    const int64_t size = shape[i];
    if (size < 1 || size > (int64_t{1} << 44) / elements) {
      fail(BC_INVALID_ARGUMENT,
           "%s: shape has value %s, expected sizes from 1 on and at most 2^44 elements", op,
           shape_text(shape, rank).c_str());
    }
    elements *= size;
    t.shape[i] = size;
  }
  t.ld = shape[rank - 1];
  if (is_quantized(t.type) && (rank != 2 || shape[1] % group_columns(t.type) != 0)) {
    fail(BC_INVALID_ARGUMENT,
         "%s: %s tensor has shape %s, expected [N, K] with K a multiple of %lld", op,
         name_of(t.type), shape_text(shape, rank).c_str(),
         static_cast<long long>(group_columns(t.type)));
  }
  return t;
}

void check_inside(const File& file, int64_t offset, int64_t bytes, const char* op) {
  const int64_t size = file.storage->bytes();
  if (offset >= 0 && bytes >= 0 && bytes <= size && offset <= size - bytes) return;
  fail(BC_INVALID_ARGUMENT,
       "%s: range has offset %lld and length %lld, expected it inside the file of %lld bytes", op,
       static_cast<long long>(offset), static_cast<long long>(bytes), static_cast<long long>(size));
}

void check_range(const Tensor& t, int64_t offset, int64_t bytes, const void* buffer,
                 const char* op) {
  if (!t.contiguous()) {
    fail(BC_INVALID_ARGUMENT, "%s: tensor is %s with rows apart, expected a contiguous one", op,
         t.describe().c_str());
  }
  if (offset < 0 || bytes < 0 || offset > t.bytes() || bytes > t.bytes() - offset) {
    fail(BC_INVALID_ARGUMENT,
         "%s: range has offset %lld and length %lld, expected it inside %lld bytes", op,
         static_cast<long long>(offset), static_cast<long long>(bytes),
         static_cast<long long>(t.bytes()));
  }
  if (buffer == nullptr && bytes > 0)
    fail(BC_INVALID_ARGUMENT, "%s: buffer is null, expected memory", op);
}

enum class Place { device, host };

std::shared_ptr<Storage> allocate(const Context& context, const Tensor& t, Place place,
                                  bool mirrored) {
  return place == Place::host ? context.backend->allocate_on_host(t.bytes())
                              : context.backend->allocate(t.bytes(), mirrored);
}

void create(bc_context* context, int32_t type, const int64_t* shape, int32_t rank, bc_tensor** out,
            Place place, const char* op) {
  output(out, op, "out");
  const std::shared_ptr<Context> c = contexts.get(context, op, "context");
  Tensor t = checked_tensor(c, type, shape, rank, op);
  if (place == Place::host && t.type == Type::i32)
    fail(BC_INVALID_ARGUMENT, "%s: type is i32, expected one that is no input of ops", op);
  t.storage = allocate(*c, t, place, t.type == Type::i32);
  t.data = t.storage->data();
  *out = tensors.add(std::make_shared<Tensor>(t));
}

void map(bc_context* context, bc_file* file, int64_t offset, int32_t type, const int64_t* shape,
         int32_t rank, bc_tensor** out, Place place, const char* op) {
  output(out, op, "out");
  const std::shared_ptr<Context> c = contexts.get(context, op, "context");
  const std::shared_ptr<File> f = files.get(file, op, "file");
  Tensor t = checked_tensor(c, type, shape, rank, op);
  const bool packed = is_quantized(t.type);
  if (t.type == Type::i32 || t.type == Type::i8) {
    fail(BC_INVALID_ARGUMENT, "%s: type is %s, expected " BC_WEIGHT_TYPES, op, name_of(t.type));
  }
  const bool in_place = c->backend->facts().reads_host_memory;
  check_inside(*f, offset, t.bytes(), op);
  if (packed && offset % kPackedAlignment != 0) {
    fail(BC_INVALID_ARGUMENT,
         "%s: offset has value %lld, expected a multiple of %lld for packed weights", op,
         static_cast<long long>(offset), static_cast<long long>(kPackedAlignment));
  }
  if (in_place && (packed || offset % element_bytes(t.type) == 0)) {
    t.storage = f->storage;
    t.data = f->storage->data() + offset;
    t.read_only = true;
  } else {
    t.storage = allocate(*c, t, place, false);
    t.data = t.storage->data();
    if (packed) {
      c->backend->write_packed(*t.storage, t.data, t.type, f->storage->data() + offset, t.bytes());
    } else {
      t.storage->write(t.data, f->storage->data() + offset, t.bytes());
    }
    f->storage->drop(f->storage->data() + offset, t.bytes());
  }
  *out = tensors.add(std::make_shared<Tensor>(t));
}

}  // namespace
}  // namespace bc

using namespace bc;

extern "C" {

bc_status bc_tensor_create(bc_context* context, int32_t type, const int64_t* shape, int32_t rank,
                           bc_tensor** out) {
  return guard([&] { create(context, type, shape, rank, out, Place::device, "tensor_create"); });
}

bc_status bc_tensor_create_on_host(bc_context* context, int32_t type, const int64_t* shape,
                                   int32_t rank, bc_tensor** out) {
  return guard(
      [&] { create(context, type, shape, rank, out, Place::host, "tensor_create_on_host"); });
}

bc_status bc_file_open(const char* utf8_path, bc_file** out) {
  return guard([&] {
    output(out, "file_open", "out");
    if (utf8_path == nullptr) fail(BC_INVALID_ARGUMENT, "file_open: path is null, expected a path");
    *out = files.add(std::make_shared<File>(File{map_file(utf8_path)}));
  });
}

bc_status bc_file_free(bc_file* file) {
  return guard([&] { files.remove(file, "file_free"); });
}

bc_status bc_file_read_ahead(bc_file* file, int64_t offset, int64_t bytes) {
  return guard([&] {
    const std::shared_ptr<File> f = files.get(file, "file_read_ahead", "file");
    check_inside(*f, offset, bytes, "file_read_ahead");
    f->storage->read_ahead(f->storage->data() + offset, bytes);
  });
}

bc_status bc_tensor_map(bc_context* context, bc_file* file, int64_t offset, int32_t type,
                        const int64_t* shape, int32_t rank, bc_tensor** out) {
  return guard(
      [&] { map(context, file, offset, type, shape, rank, out, Place::device, "tensor_map"); });
}

bc_status bc_tensor_map_on_host(bc_context* context, bc_file* file, int64_t offset, int32_t type,
                                const int64_t* shape, int32_t rank, bc_tensor** out) {
  return guard([&] {
    map(context, file, offset, type, shape, rank, out, Place::host, "tensor_map_on_host");
  });
}

bc_status bc_tensor_view(bc_tensor* tensor, int64_t row, int64_t rows, int64_t column,
                         int64_t columns, bc_tensor** out) {
  return guard([&] {
    output(out, "tensor_view", "out");
    const std::shared_ptr<Tensor> source = tensors.get(tensor, "tensor_view", "tensor");
    Tensor t = *source;
    if (is_quantized(t.type))
      fail(BC_INVALID_ARGUMENT, "tensor_view: tensor is %s, expected plain elements",
           t.describe().c_str());
    if (row < 0 || rows < 1 || row > t.shape[0] || rows > t.shape[0] - row) {
      fail(BC_INVALID_ARGUMENT, "tensor_view: rows have value %lld+%lld, expected them inside %lld",
           static_cast<long long>(row), static_cast<long long>(rows),
           static_cast<long long>(t.shape[0]));
    }
    const int64_t stride = t.rank == 2 ? t.ld : t.elements() / t.shape[0];
    if (columns != -1) {
      if (t.rank != 2)
        fail(BC_INVALID_ARGUMENT,
             "tensor_view: tensor has rank %d, expected 2 for a view of columns", t.rank);
      if (column < 0 || columns < 1 || column > t.shape[1] || columns > t.shape[1] - column) {
        fail(BC_INVALID_ARGUMENT,
             "tensor_view: columns have value %lld+%lld, expected them inside %lld",
             static_cast<long long>(column), static_cast<long long>(columns),
             static_cast<long long>(t.shape[1]));
      }
      t.shape[1] = columns;
    } else if (column != 0) {
      fail(BC_INVALID_ARGUMENT, "tensor_view: column has value %lld, expected 0 with columns -1",
           static_cast<long long>(column));
    }
    t.shape[0] = rows;
    t.data += (row * stride + column) * element_bytes(t.type);
    *out = tensors.add(std::make_shared<Tensor>(t));
  });
}

bc_status bc_tensor_reshape(bc_tensor* tensor, const int64_t* shape, int32_t rank,
                            bc_tensor** out) {
  return guard([&] {
    output(out, "tensor_reshape", "out");
    const std::shared_ptr<Tensor> source = tensors.get(tensor, "tensor_reshape", "tensor");
    if (is_quantized(source->type) || !source->contiguous()) {
      fail(BC_INVALID_ARGUMENT,
           "tensor_reshape: tensor is %s, expected a contiguous tensor of plain elements",
           source->describe().c_str());
    }
    Tensor t = checked_tensor(source->context, static_cast<int32_t>(source->type), shape, rank,
                              "tensor_reshape");
    if (t.elements() != source->elements()) {
      fail(BC_INVALID_ARGUMENT, "tensor_reshape: shape has value %s, expected the elements of %s",
           shape_text(shape, rank).c_str(), source->describe().c_str());
    }
    t.storage = source->storage;
    t.data = source->data;
    t.read_only = source->read_only;
    *out = tensors.add(std::make_shared<Tensor>(t));
  });
}

bc_status bc_tensor_free(bc_tensor* tensor) {
  return guard([&] { tensors.remove(tensor, "tensor_free"); });
}

bc_status bc_tensor_bytes(bc_tensor* tensor, int64_t* bytes) {
  return guard([&] {
    *output(bytes, "tensor_bytes", "bytes") =
        tensors.get(tensor, "tensor_bytes", "tensor")->bytes();
  });
}

bc_status bc_tensor_write(bc_tensor* tensor, int64_t offset, const void* source, int64_t bytes) {
  return guard([&] {
    const std::shared_ptr<Tensor> t = tensors.get(tensor, "tensor_write", "tensor");
    check_range(*t, offset, bytes, source, "tensor_write");
    if (t->read_only)
      fail(BC_INVALID_ARGUMENT,
           "tensor_write: tensor is mapped from a file, expected one that can be written");
    if (!is_quantized(t->type)) {
      t->storage->write(t->data + offset, source, bytes);
      return;
    }
    const int64_t group = group_bytes(t->type);
    if (offset % group != 0 || bytes % group != 0) {
      fail(BC_INVALID_ARGUMENT,
           "tensor_write: range has offset %lld and length %lld, expected groups of %lld bytes of "
           "%s",
           static_cast<long long>(offset), static_cast<long long>(bytes),
           static_cast<long long>(group), name_of(t->type));
    }
    t->context->backend->write_packed(*t->storage, t->data + offset, t->type,
                                      static_cast<const uint8_t*>(source), bytes);
  });
}

bc_status bc_tensor_read(bc_tensor* tensor, int64_t offset, void* target, int64_t bytes) {
  return guard([&] {
    const std::shared_ptr<Tensor> t = tensors.get(tensor, "tensor_read", "tensor");
    if (is_quantized(t->type) && !t->context->backend->facts().reads_host_memory)
      fail(BC_INVALID_ARGUMENT,
           "tensor_read: tensor is %s on a GPU, expected plain elements, or packed ones on a CPU",
           t->describe().c_str());
    check_range(*t, offset, bytes, target, "tensor_read");
    t->storage->read(target, t->data + offset, bytes);
    ++t->context->waits;
  });
}

bc_status bc_tensor_random(bc_tensor* tensor, float deviation, uint64_t seed) {
  return guard([&] {
    const std::shared_ptr<Tensor> t = tensors.get(tensor, "tensor_random", "tensor");
    if (t->read_only)
      fail(BC_INVALID_ARGUMENT,
           "tensor_random: tensor is mapped from a file, expected one that can be written");
    if (t->type == Type::i32 || t->type == Type::i8 || !t->contiguous()) {
      fail(BC_INVALID_ARGUMENT, "tensor_random: tensor is %s, expected contiguous " BC_WEIGHT_TYPES,
           t->describe().c_str());
    }
    const float most = most_deviation(t->type);
    if (!(deviation >= 0.0f && deviation <= most)) {
      fail(BC_INVALID_ARGUMENT, "tensor_random: deviation has value %g, expected 0 to %g",
           static_cast<double>(deviation), static_cast<double>(most));
    }
    Backend& backend = *t->context->backend;
    const FillRandomParams p{t->data, t->type, t->bytes(), deviation, seed};
    backend.check("tensor_random", p);
    backend.run(p);
    backend.synchronize();  // matmul may read weights before the op in front of it has ended
  });
}

}  // extern "C"

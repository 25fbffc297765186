// A device, as the api sees it: memory, facts and ops. Nothing above it asks which device it is.
// cpu/backend.cpp and cuda/backend.cpp implement it. A context has one, for one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ops.h"
#include "storage.h"
#include "train.h"

namespace bc {

// What may a caller rely on, whatever the device? The fields are those of bc_facts in baichuan.h.
struct DeviceFacts {
  int32_t threads;          // CPU threads that ops run on
  int32_t activation_bits;  // 32, or 16 for bf16 and f16
  uint32_t cache_types;     // bit 1 << type for each type of pages
  uint32_t head_sizes;      // bit D / 8 - 1 for each head size D of attention
  int32_t
      smallest_piece;  // tokens of a piece from which on it does not matter where a prompt is cut
  // Ops read host memory: mapped files where they lie, and weights packed as quant.h has them.
  bool reads_host_memory;
  bool fuses_swiglu;  // gate and up belong in one matrix
};

constexpr uint32_t type_bit(Type type) { return 1u << static_cast<int32_t>(type); }
constexpr uint32_t head_size_bit(int64_t D) { return 1u << (D / 8 - 1); }

// A step that was recorded once and is launched as one piece.
class Graph {
 public:
  virtual ~Graph() = default;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string name() const = 0;  // "CPU, avx2"
  virtual DeviceFacts facts() const = 0;
  virtual void pin() = 0;  // binds each CPU thread to a core of its own

  // The bytes of the device that are free, and all of its bytes.
  virtual void memory(int64_t* available, int64_t* total) const = 0;
  int64_t used() const { return used_->load(); }
  // Zeroed memory of the device. If `mirrored`, the host keeps a copy of all that it writes there, which
  // the checks of int32 inputs need.
  virtual std::shared_ptr<Storage> allocate(int64_t bytes, bool mirrored) = 0;
  // Copies packed weights in the order of files (quant.h), whole groups of them, from memory of the host to
  // the device's, in the order in which its ops read them.
  virtual void write_packed(Storage& to, uint8_t* at, Type, const uint8_t* from,
                            int64_t bytes) const {
    to.write(at, from, bytes);
  }
  // Zeroed memory of the host that ops can read.
  virtual std::shared_ptr<Storage> allocate_on_host(int64_t bytes) = 0;

  // Waits until every op has ended.
  virtual void synchronize() = 0;
  // Records the ops that body runs instead of running them. Returns null, without calling body, on a
  // device that gains nothing by it.
  virtual std::unique_ptr<Graph> record(const std::function<void()>& body) = 0;
  virtual void launch(Graph& graph) = 0;

  // Fails with BC_INVALID_ARGUMENT, in the name of the op, where it cannot do what p asks for.
  virtual void check(const char* op, const EmbedParams& p) const = 0;
  virtual void check(const char* op, const RmsNormParams& p) const = 0;
  virtual void check(const char* op, const MatmulParams& p) const = 0;
  virtual void check(const char* op, const RopeParams& p) const = 0;
  virtual void check(const char* op, const KvAppendParams& p) const = 0;
  virtual void check(const char* op, const KvCopyParams& p) const = 0;
  virtual void check(const char* op, const AttentionParams& p) const = 0;
  virtual void check(const char* op, const SwigluParams& p) const = 0;
  virtual void check(const char* op, const LoraParams& p) const = 0;
  virtual void check(const char* op, const TopKParams& p) const = 0;
  virtual void check(const char* op, const QuantizeParams& p) const = 0;
  virtual void check(const char* op, const PackCodesParams& p) const = 0;
  virtual void check(const char* op, const DequantizeParams& p) const = 0;
  virtual void check(const char* op, const ConvertParams& p) const = 0;
  virtual void check(const char* op, const RowNormsParams& p) const = 0;
  virtual void check(const char* op, const FillRandomParams& p) const = 0;

  // Bytes that p.scratch has to point to while the op runs, at a multiple of 16. They were zeroed once, and
  // ops of a context share them. Called after check.
  virtual int64_t scratch_bytes(const MatmulParams&) const { return 0; }
  virtual int64_t scratch_bytes(const AttentionParams&) const { return 0; }
  virtual int64_t scratch_bytes(const LoraParams&) const { return 0; }
  virtual int64_t scratch_bytes(const TopKParams&) const { return 0; }
  virtual int64_t scratch_bytes(const QuantizeParams&) const { return 0; }

  // Runs the op, or records it inside of record. It may still run on return, except quantize, which has
  // written p.error, memory of the host, by then. pack_codes fails with BC_INVALID_ARGUMENT for a number
  // that out does not hold.
  virtual void run(const EmbedParams& p) = 0;
  virtual void run(const RmsNormParams& p) = 0;
  virtual void run(const MatmulParams& p) = 0;
  virtual void run(const RopeParams& p) = 0;
  virtual void run(const KvAppendParams& p) = 0;
  virtual void run(const KvCopyParams& p) = 0;
  virtual void run(const AttentionParams& p) = 0;
  virtual void run(const SwigluParams& p) = 0;
  virtual void run(const LoraParams& p) = 0;
  virtual void run(const TopKParams& p) = 0;
  virtual void run(const QuantizeParams& p) = 0;
  virtual void run(const PackCodesParams& p) = 0;
  virtual void run(const DequantizeParams& p) = 0;
  virtual void run(const ConvertParams& p) = 0;
  virtual void run(const RowNormsParams& p) = 0;
  virtual void run(const FillRandomParams& p) = 0;

  // Of training. sum_of_squares has written p.sum, memory of the host, on return.
  virtual void run(const MatmulBackwardInputParams& p) = 0;
  virtual void run(const MatmulBackwardWeightParams& p) = 0;
  virtual void run(const RmsNormBackwardParams& p) = 0;
  virtual void run(const SwigluBackwardParams& p) = 0;
  virtual void run(const RopeBackwardParams& p) = 0;
  virtual void run(const AttentionBackwardParams& p) = 0;
  virtual void run(const CrossEntropyParams& p) = 0;
  virtual void run(const EmbedBackwardParams& p) = 0;
  virtual void run(const RowNormsBackwardParams& p) = 0;
  virtual void run(const ZeroParams& p) = 0;
  virtual void run(const SumOfSquaresParams& p) = 0;
  virtual void run(const AdamwParams& p) = 0;

  // What calibration needs is there where ops read host memory: elsewhere this fails with
  // BC_INVALID_ARGUMENT.
  virtual void run(const SecondMomentsParams& p);
  virtual void run(const MomentsFactorParams& p);
  virtual void run(const RoundWeightsParams& p);

 protected:
  const Used used_ = std::make_shared<std::atomic<int64_t>>(0);
};

// The CPU with this number of threads; 0 takes cpu_cores().
std::unique_ptr<Backend> cpu_backend(int threads);
// A GPU. stream is a cudaStream_t of the caller's, or null for a new one. Fails with BC_DEVICE where there
// is no GPU of that number, or it cannot run these kernels.
std::unique_ptr<Backend> cuda_backend(int index, void* stream);

}  // namespace bc

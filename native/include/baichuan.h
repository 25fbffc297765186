/* baichuan.h: the boundary of the native library. The only header that JavaCPP parses.
 *
 * Conventions
 *   Status     Every call that can fail returns a bc_status. BC_OK is 0; otherwise bc_last_error()
 *              of the same thread says what was wrong, in one line of UTF-8: "op: subject has
 *              value, expected value". No call throws, aborts or prints.
 *   Handles    bc_context, bc_tensor, bc_file and bc_plan are never dereferenced outside; their
 *              values are ids that are not reused. A null, freed or foreign handle is
 *              BC_INVALID_ARGUMENT, never a crash.
 *   Ownership  Who makes a handle frees it. Storage lives as long as any tensor, view or plan that
 *              refers to it, so handles may be freed in any order. bc_context_free frees what is
 *              left of a context.
 *   Arguments  context, outputs, inputs, scalars.
 *   Shapes     Row-major, last dimension contiguous. Letters: T tokens in the call, B sequences, C
 *              hidden size, H query heads, G key-value heads (H is a multiple of G), D head size, F
 *              feed-forward size, V vocabulary, S positions; out[M,N] = x[M,K] w[N,K]^T. A row of
 *              qkv [T,(H+2G)D] has the queries of all heads, then their keys, then their values.
 *   Threads    One thread at a time per context. Different contexts are independent.
 *   Time       Ops on a CPU context are finished on return. A GPU runs behind: bc_tensor_read and
 *              bc_synchronize wait for it, and a fault shows there. BC_SYNC=1 in the environment
 *              makes every op wait, so that a fault names its op.
 */
#ifndef BAICHUAN_H
#define BAICHUAN_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define BC_API __attribute__((visibility("default")))
#else
#define BC_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bc_context bc_context;
typedef struct bc_tensor bc_tensor;
typedef struct bc_file bc_file;
typedef struct bc_plan bc_plan;

typedef int32_t bc_status;
#define BC_OK 0
#define BC_INVALID_ARGUMENT 1 /* the caller's mistake: a shape, id, length or handle */
#define BC_OUT_OF_MEMORY 2    /* bc_last_error_bytes says how much was needed and was free */
#define BC_IO 3               /* a file that cannot be opened, mapped or read */
#define BC_DEVICE 4           /* the device is not there or failed */
#define BC_INTERNAL 5         /* a defect of this library */

/* Element types. Q8 and Q4 hold weights [N,K] in groups of 32 along K, each with 16 bits of scale:
 * Q8 w = s * q, q in -127..127, s in bf16 (8.5 bits a weight); Q4 w = s * (q - z), q in 0..15, s
 * with 5 bits of exponent and 4 of mantissa, z in eighths (4.5 bits). Q4 holds numbers whose
 * range in a group, with 0, is at most 232; what lies outside is clipped, and the error of
 * bc_quantize tells. */
#define BC_F32 0
#define BC_F16 1
#define BC_BF16 2
#define BC_I32 3
#define BC_I8 4 /* key and value pages only: one f32 scale per head and position */
#define BC_Q8 5
#define BC_Q4 6
/* Weights [N,K] that are codes of 2, 3, 4, 5, 6 or 8 bits, as published forms have them: K is a multiple
 * of the group of 2^5, 2^6 or 2^7 columns that share what a code q stands for, with s, z and m in f16.
 * In the form BC_FORM_GRID, for at most 4 bits, s and z are those of Q4. A scale for a whole row is one for
 * each group. */
#define BC_CODES(bits, log2_group, form) (0x1000 | (form) << 8 | (log2_group) << 4 | (bits))
#define BC_FORM_SYMMETRIC 0 /* s * (q - 2^(bits-1)): bits + 16 / group bits a weight */
#define BC_FORM_ZERO 1      /* s * (q - z): bits + 32 / group */
#define BC_FORM_MIN 2       /* s * q + m: bits + 32 / group */
#define BC_FORM_GRID 3      /* s * (q - z): bits + 16 / group */

/* Devices. */
#define BC_CPU 0
#define BC_CUDA 1

/* Positions in a page of the key-value cache. */
#define BC_PAGE_SIZE 64
/* Packed weights in files: rows that lie together, and what each matrix begins at a multiple of. */
#define BC_PANEL_ROWS 16
#define BC_PACKED_ALIGNMENT 64

/* ---- Library and context ---- */

/** Version of the library, "major.minor.patch". Static storage. */
BC_API const char* bc_version(void);
/** Message of the last call of this thread that failed; empty if none did. Valid until the thread's
 *  next call. */
BC_API const char* bc_last_error(void);
/** Bytes that were needed and that were free, where that last call ended with BC_OUT_OF_MEMORY; -1 for
 *  what is not known, and after any other error. Either may be null. */
BC_API void bc_last_error_bytes(int64_t* needed, int64_t* available);
/** Instruction sets that the CPU kernels use here: "avx512-bf16", "avx512" (with VNNI), "avx2-vnni",
 *  "avx2" or "scalar". The environment variable BC_ISA chooses among those that the processor has;
 *  with any other value bc_context_create fails. Static storage. */
BC_API const char* bc_cpu_isa(void);
/** Physical cores that this process may use: affinity and cgroup quota are honoured. */
BC_API int32_t bc_cpu_cores(void);
/** Version of the layout of packed weights, Q8, Q4 and codes, on a CPU: what a file of them is to be marked
 *  with, since only a library of the same version may map it. */
BC_API int32_t bc_packed_layout(void);
/** GPUs that models can run on. CUDA_VISIBLE_DEVICES is honoured. */
BC_API int32_t bc_cuda_devices(void);
/** Why there is no GPU to run on, with the versions of the driver that is there and of the one that
 *  is needed; empty if there is one. Static storage. */
BC_API const char* bc_cuda_reason(void);
/** Version of the NVIDIA driver that is installed, "535.104.05", whether it suffices or not; empty
 *  without one. Static storage. */
BC_API const char* bc_cuda_driver(void);
/** The oldest NVIDIA driver that this library runs with, "580"; empty for a library without CUDA
 *  kernels. Static storage. */
BC_API const char* bc_cuda_driver_needed(void);

/** Makes a context on a device.
 *  @param device BC_CPU or BC_CUDA
 *  @param index number of the GPU; 0 for BC_CPU
 *  @param threads CPU threads including the caller's; 0 takes bc_cpu_cores(). A GPU takes none.
 *  @param exact 1 keeps activations in f32 from end to end; 0 lets matmul round its input to int8
 *         for quantized weights. 0 on a GPU. */
BC_API bc_status bc_context_create(int32_t device, int32_t index, int32_t threads, int32_t exact,
                                   bc_context** out);
/** Makes a context on a GPU whose work goes to a stream of the caller, a CUstream of that GPU that
 *  outlives the context. */
BC_API bc_status bc_context_on_stream(int32_t index, void* stream, bc_context** out);
/** What a context runs on: "NVIDIA H100 80GB HBM3, sm_90, 132 multiprocessors". Valid until the
 *  thread's next call. */
BC_API bc_status bc_context_device(bc_context* context, const char** out);
BC_API bc_status bc_context_free(bc_context* context);
/** Binds the threads of a CPU context to a physical core each, on Linux: the calling thread, which is
 *  to be the one that drives the context, to the first core that it may use, each worker to one of
 *  the next. The calling thread stays bound when the context is freed. Refused where the context has
 *  more threads than there are cores, and a second time. Contexts that do this, of other processes
 *  too, take the same cores unless each is given its own (taskset). */
BC_API bc_status bc_context_pin(bc_context* context);
/** What a caller may rely on in a context, whatever its device. */
typedef struct bc_facts {
  int32_t threads;         /* CPU threads that ops run on; 1 on a GPU */
  int32_t activation_bits; /* 32: F32. 16: BF16 or F16, one of them throughout */
  int32_t cache_types;     /* bit 1 << type for each type of pages; where activations have 16 bits,
                            * pages are I8 or of the activations' type */
  int32_t head_sizes;      /* bit D / 8 - 1 for each head size D that attention takes */
  /* Pieces of at least this many tokens give the same bits wherever a prompt is cut. */
  int32_t smallest_piece;
  /* 1: ops read RAM, mapped files and weights that were packed to be mapped, and memory is
   * committed when first touched. 0: the device has memory of its own, taken when asked for. */
  int32_t reads_host_memory;
  int32_t fuses_swiglu; /* 1: gate and up belong in one matrix, for bc_matmul_swiglu */
} bc_facts;
BC_API bc_status bc_context_facts(bc_context* context, bc_facts* out);
BC_API bc_status bc_synchronize(bc_context* context);
/** Bytes that tensors of this context own on the device; mapped files are not counted. */
BC_API bc_status bc_memory_used(bc_context* context, int64_t* bytes);
/** Bytes of device memory (RAM for the CPU) that are free and that there are in all. */
BC_API bc_status bc_memory_info(bc_context* context, int64_t* available, int64_t* total);

/* ---- Tensors ---- */

/** A new tensor of rank 1 to 5, zeroed. Memory is committed when first touched.
 *  Q8, Q4 and codes have rank 2 [N,K], K a multiple of 32 or of the group. */
BC_API bc_status bc_tensor_create(bc_context* context, int32_t type, const int64_t* shape,
                                  int32_t rank, bc_tensor** out);
/** The same in RAM. A GPU reads it over the bus, where it is page-locked: for a table of which a step
 *  needs few rows. On the CPU there is no difference. */
BC_API bc_status bc_tensor_create_on_host(bc_context* context, int32_t type, const int64_t* shape,
                                          int32_t rank, bc_tensor** out);
/** Maps a file for reading. It must not be shortened while mapped. */
BC_API bc_status bc_file_open(const char* utf8_path, bc_file** out);
BC_API bc_status bc_file_free(bc_file* file);
/** Asks the system to read a range of a mapped file ahead. */
BC_API bc_status bc_file_read_ahead(bc_file* file, int64_t offset, int64_t bytes);
/** A tensor whose bytes lie in a mapped file: nothing is copied on a CPU context unless the offset is
 *  not a multiple of the element size. F32, F16, BF16, or Q8, Q4 and codes as bc_tensor_read gives them
 *  on a CPU under the same bc_packed_layout, at a multiple of 64; a GPU puts these in its own order. */
BC_API bc_status bc_tensor_map(bc_context* context, bc_file* file, int64_t offset, int32_t type,
                               const int64_t* shape, int32_t rank, bc_tensor** out);
/** The same in RAM, as bc_tensor_create_on_host; a GPU gets a copy there. */
BC_API bc_status bc_tensor_map_on_host(bc_context* context, bc_file* file, int64_t offset,
                                       int32_t type, const int64_t* shape, int32_t rank,
                                       bc_tensor** out);
/** A view of rows [row, row+rows) and columns [column, column+columns) of a rank-2 tensor, or, with
 *  column 0 and columns -1, of leading entries of a tensor of any rank. Shares storage. Q8, Q4
 *  and codes cannot be viewed. */
BC_API bc_status bc_tensor_view(bc_tensor* tensor, int64_t row, int64_t rows, int64_t column,
                                int64_t columns, bc_tensor** out);
/** A view of the same elements in another shape. The tensor is contiguous and not Q8, Q4 or codes. */
BC_API bc_status bc_tensor_reshape(bc_tensor* tensor, const int64_t* shape, int32_t rank,
                                   bc_tensor** out);
BC_API bc_status bc_tensor_free(bc_tensor* tensor);
/** Bytes that the elements take, scales included. */
BC_API bc_status bc_tensor_bytes(bc_tensor* tensor, int64_t* bytes);
/** Copies bytes into a contiguous tensor, from its byte `offset` on. Not for mapped tensors. Of Q8, Q4
 *  and codes whole groups of a panel, in the order of files, as bc_tensor_map takes them. */
BC_API bc_status bc_tensor_write(bc_tensor* tensor, int64_t offset, const void* source,
                                 int64_t bytes);
/** Copies bytes out of a contiguous tensor; on a GPU not of Q8, Q4 and codes. */
BC_API bc_status bc_tensor_read(bc_tensor* tensor, int64_t offset, void* target, int64_t bytes);
/** Fills with normal numbers of the given standard deviation (F32, F16, BF16, Q8, Q4, codes), the
 *  same for the same seed. */
BC_API bc_status bc_tensor_random(bc_tensor* tensor, float deviation, uint64_t seed);

/* ---- Weights ---- */

/** Quantizes w [N,K] (F32, F16, BF16) into out (Q8, Q4 or codes), choosing each group's scale, and
 *  zero where the form has one, by the least squared error. What is read of a mapped w does not stay in
 *  the process: of it 128 MiB are resident at most.
 *  @param row_scale [N] F32 or null: row n is multiplied by it first
 *  @param error receives ||w - q||^2 and ||w||^2, which are not finite where a weight is NaN or
 *         infinite, and may be infinite where one has a magnitude above 2^57; may be null */
BC_API bc_status bc_quantize(bc_context* context, bc_tensor* out, bc_tensor* w,
                             bc_tensor* row_scale, double* error);
/** Rows [row, row + rows) of out (codes or Q4, [N,K]) become the given codes, as they are.
 *  @param row a multiple of 16
 *  @param codes [rows,K] I8, of which each byte is a code from 0 to 2^bits - 1; rows is a multiple of 16
 *         unless row + rows is N
 *  @param scales [rows,K/group] F32, F16 or BF16: s of each group, finite
 *  @param zeros [rows,K/group], likewise: z or m; null for the symmetric form alone
 *  Refused with the first place at which a code is out of range, or a scale or zero is a number that out
 *  does not hold exactly; rows of out in front of it may have been written then. */
BC_API bc_status bc_pack_codes(bc_context* context, bc_tensor* out, int64_t row, bc_tensor* codes,
                               bc_tensor* scales, bc_tensor* zeros);
/** out [N,K] F32 = the numbers that w (any weight type) stands for. */
BC_API bc_status bc_dequantize(bc_context* context, bc_tensor* out, bc_tensor* w);
/** out [M,N] = x [M,N] in another type of F32, F16 and BF16, rounded to nearest even; in storage of
 *  its own. */
BC_API bc_status bc_convert(bc_context* context, bc_tensor* out, bc_tensor* x);
/** out [N] F32 = 1 / max(||w[n,:]||_2, 1e-12): NormHead's factor for each row of the head. */
BC_API bc_status bc_row_norms(bc_context* context, bc_tensor* out, bc_tensor* w);

/* ---- Calibration (CPU contexts) ----
 * Rounding that knows the activations: docs/calibration.md. K is a multiple of 32. */

/** moments [K,K] F32 += x [T,K]^T x, on the diagonal and above it; what is below is not touched. Given y
 *  [T,K] F32, moments += (y - x)^T x, all of it. Sums over 512 tokens are made first: with T tokens in all
 *  the relative error, of sums of magnitudes, is at most (134 + T / 512) 2^-24.
 *  @param y null or what x would be without quantization */
BC_API bc_status bc_second_moments(bc_context* context, bc_tensor* moments, bc_tensor* x,
                                   bc_tensor* y);
/** Completes moments: they become symmetric, and damping times the mean of their diagonal is added to it.
 *  factor [K,K] F32 becomes the upper triangular u with u^T u = moments, rows and columns in the order of the
 *  diagonal, the smallest first.
 *  @param damping above 0, at most 1; multiplied by ten, at most 7 times, as long as a pivot is not positive
 *  @param damped receives what it was in the end; may be null */
BC_API bc_status bc_moments_factor(bc_context* context, bc_tensor* factor, bc_tensor* moments,
                                   float damping, double* damped);
/** Rounds w [N,K] (F32, F16, BF16) to codes q [N,K] I8 in 0..2^bits - 1 with a grid for each group of
 *  columns, w about s (q - z), so that the products with the activations change least: by the loss
 *  sum over rows of (w' - q) H (w' - q)^T, H the moments, w' = w or, given cross, w + share w cross H^-1.
 *  @param scales [N,K/group] F32: s, which a grid of Q4 holds; a group has 32, 64, 96 or 128 columns
 *  @param zeros [N,K/group] F32: z, in eighths
 *  @param row_scale [N] F32 or null: row n is multiplied by it first
 *  @param moments and factor as bc_moments_factor leaves them
 *  @param cross [K,K] F32: bc_second_moments of the same x with y, which w was multiplied by before the
 *         matrices in front of it were quantized; or null
 *  @param share 0 to 1, of the correction; less than 1 since it fits the text that was seen
 *  @param bits 2, 3 or 4
 *  @param sweeps 0 to 64, how often all grids and codes are improved, given the others
 *  @param error receives ||w - q||^2, ||w||^2 and the loss, which are not finite where a weight is not; may
 *         be null */
BC_API bc_status bc_round_weights(bc_context* context, bc_tensor* codes, bc_tensor* scales,
                                  bc_tensor* zeros, bc_tensor* w, bc_tensor* row_scale,
                                  bc_tensor* moments, bc_tensor* factor, bc_tensor* cross,
                                  float share, int32_t bits, int32_t sweeps, double* error);

/* ---- Ops ----
 * Activations are F32 on the CPU. On a GPU they are BF16 or F16, one of them throughout; x of the
 * norms and embed may be F32 and should be, the residual stream; logits may be F32. Rows begin at
 * multiples of 16 bytes there. Int32 inputs come from bc_tensor_write, on every device, and never from
 * other ops. A batch is ragged: the T tokens of B sequences lie end to end. offsets [B+1] I32 says
 * where each sequence begins (offsets[0] = 0, offsets[B] = T); positions [T] I32 is each token's
 * position in its sequence, rising by one inside a sequence; table [B,P] I32 names the pages of each
 * sequence. */

/** out [T,C] = table[ids[t], :]. table [V,C] F32, F16 or BF16; ids [T] I32. */
BC_API bc_status bc_embed(bc_context* context, bc_tensor* out, bc_tensor* ids, bc_tensor* table);
/** out [T,C] = x / sqrt(mean(x^2) + eps) * weight. weight [C] F32, F16 or BF16. */
BC_API bc_status bc_rms_norm(bc_context* context, bc_tensor* out, bc_tensor* x, bc_tensor* weight,
                             float eps);
/** x [T,C] += delta; out = rms_norm(x). */
BC_API bc_status bc_add_rms_norm(bc_context* context, bc_tensor* x, bc_tensor* out,
                                 bc_tensor* delta, bc_tensor* weight, float eps);
/** out [T,N] = (x [T,K] w [N,K]^T) * row_scale + bias. w F32, F16, BF16, Q8, Q4 or codes; row_scale
 *  and bias [N] F32 or null. Each row of out depends on its row of x alone, bit for bit, whatever T is. */
BC_API bc_status bc_matmul(bc_context* context, bc_tensor* out, bc_tensor* x, bc_tensor* w,
                           bc_tensor* row_scale, bc_tensor* bias);
/** out [T,F] = silu(x gate^T) * (x up^T). w [2F,K] (as for bc_matmul) has the rows of gate and up in
 *  turn, gate first. */
BC_API bc_status bc_matmul_swiglu(bc_context* context, bc_tensor* out, bc_tensor* x, bc_tensor* w);
/** Normalizes each head of the queries and keys of qkv in place where norms are given, to head /
 *  sqrt(mean(head^2) + eps) * norm, then rotates it: pairs (k, k+D/2) turn by the angle position *
 *  frequencies[k] and are multiplied by scale.
 *  @param heads H; G follows from the width of qkv
 *  @param frequencies [head_size/2] radians from a position to the next; copied
 *  @param scale of cosines and sines: 1, or the factor that YaRN asks for
 *  @param q_norm [D] F32, F16 or BF16, or null together with k_norm, of the same type */
BC_API bc_status bc_rope(bc_context* context, bc_tensor* qkv, bc_tensor* positions, int32_t heads,
                         int32_t head_size, const double* frequencies, float scale,
                         bc_tensor* q_norm, bc_tensor* k_norm, float eps);
/** Stores the keys and values of qkv in pages [pages,2,G,64,D] (F32, F16, BF16, or I8 with scales
 *  [pages,2,G,64] F32; scales null otherwise). */
BC_API bc_status bc_kv_append(bc_context* context, bc_tensor* pages, bc_tensor* scales,
                              bc_tensor* qkv, bc_tensor* positions, bc_tensor* offsets,
                              bc_tensor* table);
/** Copies what page `from` holds, keys, values and scales, to page `to`, which may be the same. */
BC_API bc_status bc_kv_copy(bc_context* context, bc_tensor* pages, bc_tensor* scales, int32_t from,
                            int32_t to);
/** out [T,H D] = softmax(q k^T / sqrt(D) + slope_h * (j - i)) v, causal, over the cached positions of
 *  each token's sequence: j from 0 to its position i, or with a window from i - window + 1.
 *  slopes [H] F32 (ALiBi) or null; window 0 for none. */
BC_API bc_status bc_attention(bc_context* context, bc_tensor* out, bc_tensor* qkv, bc_tensor* pages,
                              bc_tensor* scales, bc_tensor* positions, bc_tensor* offsets,
                              bc_tensor* table, bc_tensor* slopes, int32_t window);
/** out [T,F] = gate / (1 + exp(-gate)) * up. */
BC_API bc_status bc_swiglu(bc_context* context, bc_tensor* out, bc_tensor* gate, bc_tensor* up);
/** out [T,N] += scales[s] * (x [T,K] A_s^T) B_s for the adapter s of each token: what low-rank
 *  adapters add to a product with the same x, many of them in one batch. Each row of out depends on its
 *  row of x and its adapter alone, bit for bit, whatever else the batch has.
 *  @param pool [bytes] I8: the matrices of all adapters, A [R,K] and B [R,N] of each, row by row, in
 *         F32, F16 or BF16
 *  @param table [S,4] I32: of each adapter its rank R, 0 to 512, of which 0 adds nothing; the type of
 *         its numbers, BC_F32, BC_F16 or BC_BF16; and where A and B begin, in units of 64 bytes
 *  @param scales [S] F32
 *  @param adapter_of [T] I32: the row of table of each token, -1 for none. Rows that it names are checked
 *         each time the op runs */
BC_API bc_status bc_lora(bc_context* context, bc_tensor* out, bc_tensor* x, bc_tensor* pool,
                         bc_tensor* table, bc_tensor* scales, bc_tensor* adapter_of);
/** The k largest of each row of x [T,V], largest first, ties by lower index, NaN before every
 *  number: values [T,k] F32, ids [T,k] I32. A masked row takes part with the numbers that its mask
 *  allows alone; where they are fewer than k, the places behind them hold -inf and id -1.
 *  @param masks [M,W] I32, W at least V / 32: index v is allowed if bit v % 32 of word v / 32 is set,
 *         counted from the lowest; bits from V on do not count. Null where no row is masked
 *  @param mask_of [T] I32, the row of masks that each row of x has, -1 for none; null without masks */
BC_API bc_status bc_top_k(bc_context* context, bc_tensor* values, bc_tensor* ids, bc_tensor* x,
                          bc_tensor* masks, bc_tensor* mask_of);

/* ---- Training ----
 * What fine-tuning needs beside the ops above: docs/training.md. Tensors are F32 on every device unless their
 * types are named. The name of a derivative of the loss begins with d. Ops that say += add to what is there.
 * No result depends on the number of threads, or on the order in which a GPU runs blocks. Where the context is
 * not exact and the processor multiplies pairs of bf16, as every GPU does, the products round both operands to
 * them and sum in F32. */

/** dx [M,K] = (dy [M,N] * row_scale [N]) w [N,K]; += if accumulate. w as for bc_matmul; row_scale or null. */
BC_API bc_status bc_matmul_backward_input(bc_context* context, bc_tensor* dx, bc_tensor* dy,
                                          bc_tensor* w, bc_tensor* row_scale, int32_t accumulate);
/** dw [N,K] += dy [M,N]^T x [M,K]. */
BC_API bc_status bc_matmul_backward_weight(bc_context* context, bc_tensor* dw, bc_tensor* dy,
                                           bc_tensor* x);
/** For y = bc_rms_norm(x, weight): dx [T,C] +=, and dweight [C] += unless it is null. */
BC_API bc_status bc_rms_norm_backward(bc_context* context, bc_tensor* dx, bc_tensor* dweight,
                                      bc_tensor* dy, bc_tensor* x, bc_tensor* weight, float eps);
/** For y = bc_swiglu(gate, up), all [T,F]: dgate and dup, which may be gate and up, or one of them dy. */
BC_API bc_status bc_swiglu_backward(bc_context* context, bc_tensor* dgate, bc_tensor* dup,
                                    bc_tensor* dy, bc_tensor* gate, bc_tensor* up);
/** For bc_rope with the same arguments: dqkv [T,(H+2G)D], the derivative with respect to its result, becomes
 *  that with respect to what it was given.
 *  @param qkv what bc_rope was given; needed with norms, else null
 *  @param dq_norm, dk_norm [D] +=, or both null */
BC_API bc_status bc_rope_backward(bc_context* context, bc_tensor* dqkv, bc_tensor* dq_norm,
                                  bc_tensor* dk_norm, bc_tensor* qkv, bc_tensor* positions,
                                  int32_t heads, int32_t head_size, const double* frequencies,
                                  float scale, bc_tensor* q_norm, bc_tensor* k_norm, float eps);
/** For out [T,H D] = bc_attention of samples [B] that begin at position 0, each seeing itself alone: dqkv
 *  [T,(H+2G)D] from dout and qkv, both as the forward pass had them. Memory on a CPU for the longest sample
 *  S, a thread: about 6 S D + 64 S floats; on a GPU 3 T H floats.
 *  @param offsets [B+1] I32, from 0 to T
 *  @param slopes [H] or null; window in positions, 0 for none */
BC_API bc_status bc_attention_backward(bc_context* context, bc_tensor* dqkv, bc_tensor* dout,
                                       bc_tensor* out, bc_tensor* qkv, bc_tensor* offsets,
                                       bc_tensor* slopes, int32_t head_size, int32_t window);
/** loss [T] = log(sum(exp(x[t,:]))) - x[t,targets[t]] for logits x [T,V], of which row t becomes its
 *  derivative times scales[t]; targets [T] I32, -1 for a row that has neither. */
BC_API bc_status bc_cross_entropy(bc_context* context, bc_tensor* x, bc_tensor* loss,
                                  bc_tensor* targets, bc_tensor* scales);
/** Every element of x, of any rank, becomes 0. */
BC_API bc_status bc_zero(bc_context* context, bc_tensor* x);
/** dtable [V,C] rows ids [T] I32 += dx [T,C]. */
BC_API bc_status bc_embed_backward(bc_context* context, bc_tensor* dtable, bc_tensor* dx,
                                   bc_tensor* ids);
/** For a matrix w [N,K] (F32, F16, BF16) whose rows are used times norms [N] (bc_row_norms): dw, the
 *  derivative with respect to the product, becomes that with respect to w. */
BC_API bc_status bc_row_norms_backward(bc_context* context, bc_tensor* dw, bc_tensor* w,
                                       bc_tensor* norms);
/** Sum of the squares of a contiguous x, in double. Waits for the device. */
BC_API bc_status bc_sum_of_squares(bc_context* context, bc_tensor* x, double* sum);
/** Moves w (F32, or BF16, which is rounded stochastically) by a step of AdamW against its gradient
 *  (Loshchilov and Hutter 2019, arXiv:1711.05101). All are contiguous and have as many elements as w.
 *  @param copy BF16, gets w rounded to nearest; or null
 *  @param m, v F32; or I8, in blocks of 256 elements with m_peaks and v_peaks [ceil(n/256)], else
 *         null. They begin as zeros: v in I8 as -127
 *  @param rate at least 0
 *  @param beta1, beta2 of m and v, in [0, 1)
 *  @param eps added to the root of v, above 0
 *  @param decay at least 0: w -= rate * decay * w
 *  @param factor of the gradient, which clips it; at least 0
 *  @param step from 1
 *  @param seed of what is rounded stochastically */
BC_API bc_status bc_adamw(bc_context* context, bc_tensor* w, bc_tensor* copy, bc_tensor* m,
                          bc_tensor* v, bc_tensor* m_peaks, bc_tensor* v_peaks, bc_tensor* gradient,
                          float rate, float beta1, float beta2, float eps, float decay,
                          float factor, int64_t step, uint64_t seed);

/* ---- Plans ---- */

/** From here to bc_plan_end the ops of this context are checked and recorded instead of run. */
BC_API bc_status bc_plan_begin(bc_context* context);
/** Ends the recording. On failure, and after a failed op, the recording is dropped. */
BC_API bc_status bc_plan_end(bc_context* context, bc_plan** out);
/** Runs the recorded ops in order; ids, positions, offsets, tables and masks are read again,
 *  and checked again. */
BC_API bc_status bc_plan_run(bc_plan* plan);
BC_API bc_status bc_plan_free(bc_plan* plan);

#ifdef __cplusplus
}
#endif
#endif

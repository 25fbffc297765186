package dev.baichuan4j.internal.nn;

import static org.bytedeco.cuda.global.cublas.CUBLAS_COMPUTE_32F;
import static org.bytedeco.cuda.global.cublas.CUBLAS_GEMM_DEFAULT;
import static org.bytedeco.cuda.global.cublas.CUBLAS_OP_N;
import static org.bytedeco.cuda.global.cublas.CUBLAS_OP_T;
import static org.bytedeco.cuda.global.cublas.cublasCreate_v2;
import static org.bytedeco.cuda.global.cublas.cublasDestroy_v2;
import static org.bytedeco.cuda.global.cublas.cublasGemmEx;
import static org.bytedeco.cuda.global.cublas.cublasSetStream_v2;
import static org.bytedeco.cuda.global.cudart.CUDA_R_16BF;
import static org.bytedeco.cuda.global.cudart.cudaFree;
import static org.bytedeco.cuda.global.cudart.cudaMalloc;
import static org.bytedeco.cuda.global.cudart.cudaMemset;
import static org.bytedeco.cuda.global.cudart.cudaStreamCreate;
import static org.bytedeco.cuda.global.cudart.cudaStreamDestroy;
import static org.bytedeco.cuda.global.cudart.cudaStreamSynchronize;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.bytedeco.cuda.cublas.cublasContext;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The matrix products of Baichuan-13B on a GPU beside cuBLAS, which multiplies bf16 only. Both run
 * on one stream of this benchmark, which shows that a context can share its caller's. Needs a GPU,
 * and for {@link #cublas} libcublas.so.13 and libcudart.so.13 on the library path.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class GpuMatmulBenchmark {
  /** Products between two waits for the GPU; weights rotate, so that they come from its memory. */
  private static final int COPIES = 8;

  /** out [M,N] = x [M,K] w [N,K]^T. */
  @State(Scope.Thread)
  public static class Product {
    @Param({"15360x5120", "5120x5120", "13696x5120", "5120x13696"})
    public String shape;

    @Param({"1", "16", "64", "2048"})
    public int tokens;

    int n;
    int k;

    @Setup
    public void setUp() {
      if (Ops.cudaDevices() == 0) {
        throw new IllegalStateException("no GPU: " + Ops.cudaReason());
      }
      String[] sizes = shape.split("x");
      n = Integer.parseInt(sizes[0]);
      k = Integer.parseInt(sizes[1]);
    }
  }

  @State(Scope.Thread)
  public static class Ours {
    @Param({"BF16", "Q8", "Q4"})
    public String type;

    private Ops ops;
    private Tensor x;
    private Tensor out;
    private final List<Tensor> weights = new ArrayList<>();

    @Setup
    public void setUp(Product p) {
      ops = Ops.cuda(0);
      x = ops.tensor(ElementType.BF16, p.tokens, p.k);
      x.random(1f, 1);
      out = ops.tensor(ElementType.BF16, p.tokens, p.n);
      for (int i = 0; i < COPIES; i++) {
        Tensor w = ops.tensor(ElementType.valueOf(type), p.n, p.k);
        w.random(0.02f, i);
        weights.add(w);
      }
      ops.synchronize();
    }

    @TearDown
    public void tearDown() {
      ops.close();
    }
  }

  @Benchmark
  @OperationsPerInvocation(COPIES)
  public void baichuan4j(Ours s) {
    for (Tensor w : s.weights) {
      s.ops.matmul(s.out, s.x, w, null, null);
    }
    s.ops.synchronize();
  }

  /** bf16, on the stream of a context of ours, so that both queue the same way. */
  @State(Scope.Thread)
  public static class Rival {
    private static final FloatPointer ONE = new FloatPointer(1f);
    private static final FloatPointer ZERO = new FloatPointer(0f);

    private final CUstream_st stream = new CUstream_st();
    private final cublasContext handle = new cublasContext();
    private final List<Pointer> memory = new ArrayList<>();
    private Ops ops;

    @Setup
    public void setUp(Product p) {
      check(cudaStreamCreate(stream), "cudaStreamCreate");
      ops = Ops.cuda(0, stream.address());
      check(cublasCreate_v2(handle), "cublasCreate");
      check(cublasSetStream_v2(handle, stream), "cublasSetStream");
      allocate(2L * p.tokens * p.k);
      allocate(2L * p.tokens * p.n);
      for (int i = 0; i < COPIES; i++) {
        allocate(2L * p.n * p.k);
      }
    }

    private void allocate(long bytes) {
      Pointer pointer = new Pointer();
      check(cudaMalloc(pointer, bytes), "cudaMalloc");
      check(cudaMemset(pointer, 0, bytes), "cudaMemset");
      memory.add(pointer);
    }

    @TearDown
    public void tearDown() {
      ops.close();
      cublasDestroy_v2(handle);
      memory.forEach(pointer -> cudaFree(pointer));
      cudaStreamDestroy(stream);
    }
  }

  @Benchmark
  @OperationsPerInvocation(COPIES)
  public void cublas(Product p, Rival s) {
    Pointer x = s.memory.get(0);
    Pointer out = s.memory.get(1);
    for (Pointer w : s.memory.subList(2, 2 + COPIES)) {
      // Column-major: out^T [N,M] = w [N,K] x^T [K,M].
      check(
          cublasGemmEx(
              s.handle,
              CUBLAS_OP_T,
              CUBLAS_OP_N,
              p.n,
              p.tokens,
              p.k,
              Rival.ONE,
              w,
              CUDA_R_16BF,
              p.k,
              x,
              CUDA_R_16BF,
              p.k,
              Rival.ZERO,
              out,
              CUDA_R_16BF,
              p.n,
              CUBLAS_COMPUTE_32F,
              CUBLAS_GEMM_DEFAULT),
          "cublasGemmEx");
    }
    check(cudaStreamSynchronize(s.stream), "cudaStreamSynchronize");
  }

  private static void check(int status, String call) {
    if (status != 0) {
      throw new IllegalStateException(call + " gave " + status);
    }
  }
}

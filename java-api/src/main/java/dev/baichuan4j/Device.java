package dev.baichuan4j;

import java.util.Objects;

/** Where a model runs. */
public sealed interface Device {
  /** The processor. */
  record Cpu() implements Device {
    @Override
    public String toString() {
      return "cpu";
    }
  }

  /**
   * An NVIDIA GPU.
   *
   * @param index its number, 0 or more, of those that CUDA_VISIBLE_DEVICES leaves
   * @param stream address of a CUstream of the caller's that the model's work goes to, or 0 for a
   *     stream of its own; it outlives the model
   */
  record Cuda(int index, long stream) implements Device {
    public Cuda {
      if (index < 0) {
        throw new InvalidRequestException(
            "device", "device has index " + index + ", expected 0 or more");
      }
    }

    @Override
    public String toString() {
      return "cuda:" + index;
    }
  }

  static Device cpu() {
    return new Cpu();
  }

  static Device cuda(int index) {
    return new Cuda(index, 0);
  }

  /**
   * A GPU, with the caller's stream.
   *
   * @param stream address of a CUstream, such as {@code CUstream_st.address()} of the JavaCPP
   *     presets for CUDA
   */
  static Device cuda(int index, long stream) {
    return new Cuda(index, stream);
  }

  /**
   * The first GPU that can be used, else the processor. Where an NVIDIA driver is installed and
   * none of its GPUs can be used, such as a driver older than the library needs, the log says why.
   *
   * @throws NativeLoadException when the native library does not load
   */
  static Device auto() {
    return Library.entryPoints().prefersCuda() ? cuda(0) : cpu();
  }

  /**
   * Reads {@code auto}, {@code cpu} or {@code cuda:N}.
   *
   * @throws InvalidRequestException for any other text
   */
  static Device parse(String text) {
    Objects.requireNonNull(text, "text");
    if (text.equals("auto")) {
      return auto();
    }
    if (text.equals("cpu")) {
      return cpu();
    }
    if (text.matches("cuda:\\d{1,3}")) {
      return cuda(Integer.parseInt(text.substring(5)));
    }
    throw new InvalidRequestException(
        "device", "device has value " + text + ", expected auto, cpu or cuda:N");
  }
}

package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import java.nio.file.Path;

/** The device that the tests run on: -Dbaichuan4j.test.device=cpu, the default, or cuda:N. */
final class TestDevice {
  private static final Device DEVICE =
      Device.parse(System.getProperty("baichuan4j.test.device", "cpu"));

  private TestDevice() {}

  static Device device() {
    return DEVICE;
  }

  static boolean isGpu() {
    return DEVICE instanceof Device.Cuda;
  }

  /** Skips the test where the device is not there, or has not what is asked for. */
  private static void require(boolean exact) {
    assumeTrue(!isGpu() || Ops.cudaDevices() > 0, Ops::cudaReason);
    assumeFalse(isGpu() && exact, "exact activations are for the CPU");
  }

  /** A context of two CPU threads, or on the GPU. */
  static Ops ops(boolean exact) {
    require(exact);
    return DEVICE instanceof Device.Cuda cuda ? Ops.cuda(cuda.index()) : Ops.cpu(2, exact);
  }

  static Model model(Ops ops, Path folder, Quant weights) {
    return Model.load(ops, Checkpoint.open(folder), weights, ProgressListener.NONE);
  }

  /** The type of a model's cache: the usual one, F32 if exact. */
  static ElementType cache(Model model, boolean exact) {
    return isGpu() ? model.activations() : exact ? ElementType.F32 : ElementType.BF16;
  }

  /**
   * A loader of one of the models that ship, as close to exact as the device comes: on a GPU with
   * activations of 16 bits.
   */
  static BaichuanLoader closest(String name) {
    return loader(name, !isGpu());
  }

  /** A loader of any folder, in the usual precision. */
  static BaichuanLoader loader(Path folder) {
    require(false);
    return Baichuan.loader(folder).device(DEVICE);
  }

  static BaichuanLoader loader(String name, boolean exact) {
    require(exact);
    return Baichuan.loader(Fixtures.model(name)).device(DEVICE).exact(exact);
  }
}

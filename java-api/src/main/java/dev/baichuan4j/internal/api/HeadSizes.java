package dev.baichuan4j.internal.api;

import dev.baichuan4j.Device;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.nn.Ops;

/** Which sizes of heads a device takes. */
final class HeadSizes {
  private HeadSizes() {}

  /** Checks, before anything is loaded, that attention takes heads of this size on the device. */
  static void require(Architecture model, Ops ops, Device where) {
    int size = model.heads().size();
    if (!ops.facts().takesHeadSize(size)) {
      throw new InvalidRequestException(
          "device",
          "device has value "
              + where
              + ", whose attention does not take heads of size "
              + size
              + ", expected cpu");
    }
  }
}

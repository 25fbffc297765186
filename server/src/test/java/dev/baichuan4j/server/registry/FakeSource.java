package dev.baichuan4j.server.registry;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.KvType;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.ModelShape.Position;
import dev.baichuan4j.Quant;
import dev.baichuan4j.ToolForm;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A model that does nothing but to be loaded and closed. */
final class FakeSource implements ModelSource {
  final AtomicInteger loads = new AtomicInteger();
  final AtomicInteger open = new AtomicInteger();

  /** How many of the next loads fail. */
  final AtomicInteger failures = new AtomicInteger();

  /** Is counted down when a load has begun. */
  final CountDownLatch loading = new CountDownLatch(1);

  /** Lets loads end. */
  volatile CountDownLatch goOn = new CountDownLatch(0);

  private final String name;
  private final long bytes;

  FakeSource(String name, long bytes) {
    this.name = name;
    this.bytes = bytes;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long created() {
    return 1_700_000_000;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public Baichuan load() {
    loads.incrementAndGet();
    loading.countDown();
    try {
      if (!goOn.await(1, TimeUnit.MINUTES)) {
        throw new IllegalStateException("nobody has let the load go on");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    if (failures.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
      throw new ModelFormatException("/secret/model.bin", "it", "a file", "nothing");
    }
    open.incrementAndGet();
    return (Baichuan)
        Proxy.newProxyInstance(
            Baichuan.class.getClassLoader(),
            new Class<?>[] {Baichuan.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "close" -> {
                    open.decrementAndGet();
                    yield null;
                  }
                  case "info" -> info();
                  case "toString" -> "fake " + name;
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private static ModelInfo info() {
    return new ModelInfo(
        new ModelShape(32, 1, 1, 64, 100, 128, Position.ROPE, Head.PLAIN),
        Optional.empty(),
        Optional.empty(),
        ToolForm.TEXT,
        List.of(2),
        128,
        16,
        Device.cpu(),
        1,
        Quant.BF16,
        KvType.BF16,
        new MemoryPlan(1, 1, 1),
        new ModelInfo.Traffic(1, 1),
        Map.of());
  }
}

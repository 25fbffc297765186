package dev.baichuan4j.internal.nn;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.lora.LoraAdapter;
import dev.baichuan4j.internal.lora.LoraPair;
import dev.baichuan4j.internal.lora.Target;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The adapters beside a model's weights. Their matrices share one tensor, and a table says of each
 * product and adapter where they begin: ops read it anew in each step, so that recorded steps stay
 * as they are when adapters come and go. The tensors are made for the first adapter. For the thread
 * that drives the context.
 */
public final class AdapterPool implements AutoCloseable {
  /** S: adapters that there may be at once. */
  static final int SLOTS = 256;

  /** Bytes of adapters that there may be at once, where nobody says. */
  public static final long USUAL_BYTES = 1L << 30;

  private static final int UNIT = 64; // bytes, of ops.h
  private static final int FIELDS = 4; // of a row of the table

  private record Range(long begin, long units) {}

  private final Ops ops;
  private final Architecture model;
  private final boolean fusesGateUp;
  private long bytes = USUAL_BYTES;
  private final List<List<Range>> ranges = new ArrayList<>(); // of each slot; null: it is free
  private FreeSpace space; // null before the first adapter
  private Tensor pool; // [bytes] I8
  private Tensor table; // [M S,4], M products of all layers
  private Tensor scales; // [M S]
  private int[] rows; // of the table
  private float[] factors;
  private final List<Tensor> tables = new ArrayList<>(); // [S,4] of each product
  private final List<Tensor> factorsOf = new ArrayList<>(); // [S]

  AdapterPool(Ops ops, Architecture model, boolean fusesGateUp) {
    this.ops = ops;
    this.model = model;
    this.fusesGateUp = fusesGateUp;
  }

  /** Sets how many bytes there may be of adapters, before the first is loaded. */
  public void limit(long bytes) {
    this.bytes = bytes;
  }

  private int products() {
    return model.layers() * Target.values().length;
  }

  private static int product(Target target, int layer) {
    return layer * Target.values().length + target.ordinal();
  }

  private static long units(LoraPair pair) {
    int size = pair.a().dtype().size();
    return units((long) pair.rank() * pair.inputs() * size)
        + units((long) pair.rank() * pair.outputs() * size);
  }

  private static long units(long bytes) {
    return (bytes + UNIT - 1) / UNIT;
  }

  /**
   * Checks that the model can have an adapter beside its weights.
   *
   * @throws InvalidRequestException if not
   */
  public void check(LoraAdapter adapter) {
    for (LoraPair pair : adapter.pairs()) {
      boolean normalized = pair.target() == Target.HEAD && model.head() == ModelShape.Head.NORM;
      boolean fused = fusesGateUp && (pair.target() == Target.GATE || pair.target() == Target.UP);
      if (normalized || fused) {
        throw new InvalidRequestException(
            "adapter",
            pair.target().module(pair.layer())
                + (normalized
                    ? " of a model whose head normalizes its rows, which peft does not adapt either"
                    : " on a device that computes gate and up in one product"),
            fused && !normalized
                ? "a model that is loaded with adapterBytes, which has the two apart"
                : "other modules; merge the adapter into the weights as they are loaded instead");
      }
    }
  }

  /**
   * Takes memory for an adapter; {@link #write} brings its matrices there.
   *
   * @throws InvalidRequestException when there is too little of it, or too many adapters are there
   * @throws dev.baichuan4j.OutOfDeviceMemoryException when the device is too small for the first
   */
  public Adapter take(LoraAdapter adapter) {
    allocate();
    int slot = freeSlot();
    List<Range> taken = new ArrayList<>();
    int targets = 0;
    for (LoraPair pair : adapter.pairs()) {
      long units = units(pair);
      long begin = space.take(units).orElse(-1);
      if (begin < 0) {
        taken.forEach(range -> space.give(range.begin, range.units));
        throw tooLarge(adapter);
      }
      taken.add(new Range(begin, units));
      targets |= pair.target().bit();
    }
    ranges.set(slot, taken);
    return new Adapter(slot, targets);
  }

  /** Returns the bytes that an adapter takes. */
  public static long bytes(LoraAdapter adapter) {
    return adapter.pairs().stream().mapToLong(AdapterPool::units).sum() * UNIT;
  }

  private InvalidRequestException tooLarge(LoraAdapter adapter) {
    return new InvalidRequestException(
        "adapterBytes",
        bytes + ", of which " + space.units() * UNIT + " are free",
        bytes(adapter) + " free bytes for this adapter; drop others, or load the model with more");
  }

  private int freeSlot() {
    int slot = ranges.indexOf(null);
    if (slot >= 0) {
      return slot;
    }
    if (ranges.size() == SLOTS) {
      throw new InvalidRequestException(
          "adapter", "one more beside " + SLOTS + " others", "at most " + SLOTS + "; drop others");
    }
    ranges.add(null);
    return ranges.size() - 1;
  }

  private void allocate() {
    if (pool != null) {
      return;
    }
    int all = products() * SLOTS;
    List<Tensor> made = new ArrayList<>();
    try {
      made.add(ops.tensor(ElementType.I8, bytes / UNIT * UNIT));
      made.add(ops.tensor(ElementType.I32, all, FIELDS));
      made.add(ops.tensor(ElementType.F32, all));
    } catch (RuntimeException | Error e) {
      made.forEach(Tensor::close);
      throw e;
    }
    pool = made.get(0);
    table = made.get(1);
    scales = made.get(2);
    space = new FreeSpace(bytes / UNIT);
    rows = new int[all * FIELDS];
    factors = new float[all];
    for (int m = 0; m < products(); m++) {
      tables.add(table.rows((long) m * SLOTS, SLOTS));
      factorsOf.add(scales.rows((long) m * SLOTS, SLOTS));
    }
  }

  /**
   * Brings the matrices of one pair of an adapter to the device.
   *
   * @param index of the pair
   * @param a what {@link LoraPair#readA} gives
   * @param b what {@link LoraPair#readB} gives
   */
  public void write(Adapter adapter, LoraPair pair, int index, ByteBuffer a, ByteBuffer b) {
    long begin = ranges.get(adapter.slot()).get(index).begin;
    long beginB = begin + units(a.remaining());
    pool.write(begin * UNIT, a);
    pool.write(beginB * UNIT, b);
    int row = product(pair.target(), pair.layer()) * SLOTS + adapter.slot();
    rows[row * FIELDS] = pair.rank();
    rows[row * FIELDS + 1] = Bindings.code(WeightLoader.type(pair.a()));
    rows[row * FIELDS + 2] = (int) begin;
    rows[row * FIELDS + 3] = (int) beginB;
    factors[row] = pair.scale();
  }

  /** Has steps find an adapter, all of whose matrices are there. */
  public void publish() {
    table.write(rows, rows.length);
    scales.write(factors);
  }

  /** Gives the memory of an adapter back: no step uses it any more. */
  public void free(Adapter adapter) {
    ranges.get(adapter.slot()).forEach(range -> space.give(range.begin, range.units));
    ranges.set(adapter.slot(), null);
    for (int m = 0; m < products(); m++) {
      int row = m * SLOTS + adapter.slot();
      Arrays.fill(rows, row * FIELDS, (row + 1) * FIELDS, 0);
      factors[row] = 0;
    }
    publish();
  }

  /** Returns the bytes that adapters take. */
  public long used() {
    return space == null ? 0 : bytes / UNIT * UNIT - space.units() * UNIT;
  }

  /** Returns the bytes that there may be of adapters. */
  public long limit() {
    return bytes;
  }

  /**
   * out [T,N] += what the adapter of each token adds to a product with x [T,K].
   *
   * @param adapterOf [T] slots; -1 for none
   */
  void add(Target target, int layer, Tensor out, Tensor x, Tensor adapterOf) {
    int product = product(target, layer);
    ops.lora(out, x, pool, tables.get(product), factorsOf.get(product), adapterOf);
  }

  @Override
  public void close() {
    tables.forEach(Tensor::close);
    factorsOf.forEach(Tensor::close);
    if (pool != null) {
      List.of(pool, table, scales).forEach(Tensor::close);
    }
  }
}

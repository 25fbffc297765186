package dev.baichuan4j.internal.inspect;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;

/**
 * A tensor as it is stored.
 *
 * @param name in the checkpoint
 * @param kind a type such as BF16, or a kind of codes such as Q4_0 or int4
 * @param shape the sizes of what it stands for, outermost first
 * @param file that holds it
 * @param offset of its first byte
 * @param bytes that it takes
 * @param isUsed whether the model computes with it
 * @param loss what quantizing or rounding it has lost, over its norm, where the file says that
 */
public record TensorReport(
    String name,
    String kind,
    List<Long> shape,
    Path file,
    long offset,
    long bytes,
    boolean isUsed,
    OptionalDouble loss) {}

package dev.baichuan4j.internal.jinja;

import java.util.ArrayList;
import java.util.List;

/** Parts of sequences: {@code sequence[from:to:step]}. */
final class Slices {
  private Slices() {}

  static Object slice(Run run, Object object, Object from, Object to, Object step) {
    if (object instanceof Undefined undefined) {
      throw undefined.failure();
    }
    List<Object> items = Values.sequence(object);
    if (items == null && !(object instanceof Text)) {
      return new Undefined("'" + Values.typeName(object) + " object' has no slices");
    }
    long size = Values.size(object);
    long stride = bound(step, 1);
    if (stride == 0) {
      throw TemplateException.failed("slice step cannot be zero");
    }
    boolean forward = stride > 0;
    long low = forward ? 0 : -1;
    long high = forward ? size : size - 1;
    long first = clamp(bound(from, forward ? low : high), from, size, low, high);
    long end = clamp(bound(to, forward ? high : low), to, size, low, high);
    if (object instanceof Text text) {
      run.budget().read(text.toString().length());
      if (stride == 1) {
        return first < end
            ? text.slice(run.budget(), text.offset((int) first), text.offset((int) end))
            : Text.EMPTY;
      }
      items = Values.items(run.budget(), text);
    }
    List<Object> taken = new ArrayList<>();
    for (long at = first; forward ? at < end : at > end; at += stride) {
      run.budget().elements(1);
      taken.add(items.get((int) at));
      if (Math.abs(stride) > size) {
        break; // the next one is outside, and may be beyond 64 bits
      }
    }
    if (object instanceof Text) {
      TextBuilder text = new TextBuilder(run.budget());
      taken.forEach(character -> text.append((Text) character));
      return text.toText();
    }
    return object instanceof Tuple ? new Tuple(taken) : taken;
  }

  private static long bound(Object bound, long otherwise) {
    if (bound == None.NONE) {
      return otherwise;
    } else if (Arithmetic.number(bound) instanceof Long integer) {
      return integer;
    } else if (bound instanceof Undefined undefined) {
      throw undefined.failure();
    }
    throw TemplateException.failed("slice indices must be integers or None");
  }

  private static long clamp(long bound, Object written, long size, long low, long high) {
    if (written == None.NONE) {
      return bound;
    }
    return Math.max(low, Math.min(high, bound < 0 ? bound + size : bound));
  }
}

package dev.baichuan4j.internal.files;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Checks that all that a FlatBuffer refers to lies inside it, before its accessors, which do not
 * look, are used: what the verifier of FlatBuffers does for C++ and the Java library lacks. What is
 * verified may not be longer than the buffer all together, so that a small buffer whose parts
 * overlap does not stand for a large content.
 *
 * <p>Source: the format's own description, "FlatBuffer Internals" of flatbuffers.dev.
 */
public final class TableVerifier {
  /** Says what is wrong with a buffer. */
  public static final class Damage extends Exception {
    private static final long serialVersionUID = 1L;

    Damage(String found) {
      super(found);
    }
  }

  private static final int OFFSET = 4; // bytes of an offset and of a length

  private final ByteBuffer buffer;
  private final int end;
  private long budget;

  /** Verifies what a buffer holds up to its limit. */
  public TableVerifier(ByteBuffer buffer) {
    this.buffer = buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    this.end = buffer.limit();
    this.budget = end;
  }

  /** Returns where the root table begins; the identifier is the 4 bytes behind the offset. */
  public int root(String identifier) throws Damage {
    require(0, 2 * OFFSET, "root");
    for (int i = 0; i < identifier.length(); i++) {
      if (buffer.get(OFFSET + i) != identifier.charAt(i)) {
        throw new Damage("no identifier " + identifier);
      }
    }
    return table(follow(0, "root"), "root");
  }

  /** Verifies the table that begins at a position, and returns that position. */
  public int table(int at, String name) throws Damage {
    require(at, OFFSET, name);
    long vtable = (long) at - buffer.getInt(at);
    require(vtable, 4, name + "'s vtable");
    int vtableBytes = unsigned((int) vtable);
    int tableBytes = unsigned((int) vtable + 2);
    require(vtable, Math.max(vtableBytes, 4), name + "'s vtable");
    require(at, Math.max(tableBytes, OFFSET), name);
    spend(tableBytes, name);
    return at;
  }

  /**
   * Returns where a field of a verified table lies; 0 where the table has it not.
   *
   * @param id the field's number in the schema
   * @param bytes that it takes in the table
   */
  public int field(int table, int id, int bytes, String name) throws Damage {
    int vtable = table - buffer.getInt(table);
    int entry = 4 + 2 * id;
    if (entry + 2 > unsigned(vtable)) {
      return 0;
    }
    int offset = unsigned(vtable + entry);
    if (offset == 0) {
      return 0;
    }
    if (offset < OFFSET || offset + bytes > unsigned(vtable + 2)) {
      throw new Damage(name + " outside of its table");
    }
    return table + offset;
  }

  /** Verifies a vector that has to be there, and returns where its elements begin. */
  public int vector(int table, int id, int elementBytes, String name) throws Damage {
    int field = field(table, id, OFFSET, name);
    if (field == 0) {
      throw new Damage("no " + name);
    }
    int at = follow(field, name);
    require(at, OFFSET, name);
    long bytes = Integer.toUnsignedLong(buffer.getInt(at)) * elementBytes;
    require((long) at + OFFSET, bytes, name);
    spend(OFFSET + bytes, name);
    return at + OFFSET;
  }

  /** Elements of a verified vector that begins there. */
  public int length(int elements) {
    return buffer.getInt(elements - OFFSET);
  }

  /** Verifies a string that has to be there: UTF-8, and a zero after it. */
  public void string(int table, int id, String name) throws Damage {
    int start = vector(table, id, 1, name);
    int length = length(start);
    require(start, length + 1L, name);
    if (buffer.get(start + length) != 0) {
      throw new Damage(name + " without an end");
    }
    try {
      StandardCharsets.UTF_8
          .newDecoder()
          .decode(buffer.duplicate().limit(start + length).position(start));
    } catch (CharacterCodingException e) {
      throw new Damage(name + " that is not UTF-8");
    }
  }

  /** Verifies a string that need not be there. */
  public void optionalString(int table, int id, String name) throws Damage {
    if (field(table, id, OFFSET, name) != 0) {
      string(table, id, name);
    }
  }

  /** Where the offset at a verified position leads to. */
  public int follow(int at, String name) throws Damage {
    long target = at + Integer.toUnsignedLong(buffer.getInt(at));
    require(target, OFFSET, name);
    return (int) target;
  }

  private int unsigned(int at) {
    return Short.toUnsignedInt(buffer.getShort(at));
  }

  private void require(long at, long bytes, String name) throws Damage {
    if (at < 0 || bytes > end || at > end - bytes) {
      throw new Damage(name + " outside of the " + end + " bytes");
    }
  }

  private void spend(long bytes, String name) throws Damage {
    budget -= bytes;
    if (budget < 0) {
      throw new Damage(name + " that overlaps others");
    }
  }
}

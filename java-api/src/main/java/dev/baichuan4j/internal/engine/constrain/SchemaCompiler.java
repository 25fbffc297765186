package dev.baichuan4j.internal.engine.constrain;

/** Compiles a JSON Schema to a machine that accepts the texts that are valid by it. */
@FunctionalInterface
public interface SchemaCompiler {
  /**
   * Returns a new machine.
   *
   * @param schema a JSON text: an object or a boolean
   * @throws dev.baichuan4j.InvalidRequestException if it is no schema, or has a keyword that cannot
   *     be enforced; the message says where
   */
  ByteMachine compile(String schema);
}

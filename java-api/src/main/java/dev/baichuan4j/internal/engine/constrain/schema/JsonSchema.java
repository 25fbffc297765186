package dev.baichuan4j.internal.engine.constrain.schema;

import dev.baichuan4j.internal.engine.constrain.ByteMachine;
import dev.baichuan4j.internal.engine.constrain.SchemaCompiler;

/**
 * JSON Schema, draft 4 to 2020-12. Every keyword is enforced, or refused by name with its place;
 * names that no edition knows are annotations.
 */
public final class JsonSchema implements SchemaCompiler {
  @Override
  public ByteMachine compile(String schema) {
    SchemaDocument document = new SchemaDocument(schema);
    Shapes shapes = new Shapes(document);
    try {
      Ref root = shapes.ref(document.root());
      new Survey(shapes).of(root);
      JsonMachine machine = new JsonMachine(shapes, root);
      if (machine.start() == ByteMachine.DEAD) {
        throw SchemaProblem.malformed("schema", "#", schema, "one that some value is valid by");
      }
      return machine;
    } catch (Shapes.CycleException e) {
      throw e.problem();
    }
  }
}

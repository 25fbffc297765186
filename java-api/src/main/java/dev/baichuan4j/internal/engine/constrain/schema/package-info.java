/**
 * JSON Schema as an acceptor of bytes.
 *
 * <pre>
 * SchemaDocument     the text of a schema: its places, $id, $anchor and $ref
 * SchemaNode         the keywords of one place
 * Ref, Shapes        what all of some places, or their opposites, ask of one value
 * Shape              that as alternatives of scalars, strings, arrays and objects
 * StringContent,     the texts of strings and numbers as automata
 * NumberText
 * JsonMachine        a stack of objects and arrays that reads the text
 * </pre>
 */
package dev.baichuan4j.internal.engine.constrain.schema;

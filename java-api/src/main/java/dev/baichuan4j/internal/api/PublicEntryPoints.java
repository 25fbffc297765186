package dev.baichuan4j.internal.api;

import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.FineTuner;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.engine.constrain.CompiledConstraint;
import dev.baichuan4j.internal.engine.constrain.schema.JsonSchema;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.spi.EntryPoints;
import dev.baichuan4j.internal.tokenizer.TokenizerFiles;
import java.nio.file.Path;
import java.util.List;

/** Carries out the static methods of the public API; Java finds it as a service. */
public final class PublicEntryPoints
    implements EntryPoints<BaichuanLoader, ModelShape, Tokenizer, Constraint, FineTuner> {
  @Override
  public BaichuanLoader loader(Path folder) {
    return new ModelLoader(folder, null);
  }

  @Override
  public BaichuanLoader randomLoader(ModelShape shape) {
    return new ModelLoader(null, Architecture.of(shape));
  }

  @Override
  public FineTuner fineTuner(Path model) {
    return new FineTuning(model);
  }

  @Override
  public Tokenizer tokenizer(Path path) {
    return TokenizerLoader.load(path);
  }

  @Override
  public Tokenizer tokenizer(byte[] model, String name) {
    return TokenizerFiles.parse(model, name);
  }

  @Override
  public Constraint jsonConstraint() {
    return CompiledConstraint.json();
  }

  @Override
  public Constraint schemaConstraint(String schema) {
    return CompiledConstraint.schema(schema, new JsonSchema());
  }

  @Override
  public Constraint schemaOnOneLineConstraint(String schema) {
    return CompiledConstraint.schemaOnOneLine(schema, new JsonSchema());
  }

  @Override
  public Constraint regexConstraint(String regex) {
    return CompiledConstraint.regex(regex);
  }

  @Override
  public Constraint choiceConstraint(List<String> choices) {
    return CompiledConstraint.choice(choices);
  }

  @Override
  public Constraint grammarConstraint(String grammar) {
    return CompiledConstraint.grammar(grammar);
  }

  @Override
  public boolean prefersCuda() {
    return Ops.prefersCuda();
  }
}

package dev.baichuan4j.server;

import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.nn.Ops;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IVersionProvider;

/** {@code baichuan}: exit code 0, 1 (failed) or 2 (wrong use). */
@Command(
    name = "baichuan",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    description = "Runs the Baichuan language models.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      ChatCommand.class,
      GenerateCommand.class,
      TokenizeCommand.class,
      LogitsCommand.class,
      PerplexityCommand.class,
      QuantizeCommand.class,
      BenchCommand.class,
      DoctorCommand.class,
      CommandLine.HelpCommand.class
    })
public final class Main {
  private Main() {}

  /** The version that the native library was built as. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"baichuan4j " + Ops.nativeVersion()};
    }
  }

  public static void main(String[] args) {
    System.exit(run(args));
  }

  /** Runs a command and returns its exit code. */
  public static int run(String... args) {
    IExecutionExceptionHandler failures =
        (failure, command, parsed) -> {
          if (failure instanceof InvalidRequestException) {
            Terminal.err().println("baichuan: " + failure.getMessage());
            return 2;
          }
          if (failure instanceof BaichuanException
              || failure instanceof IOException
              || failure instanceof UncheckedIOException
              || failure instanceof IllegalStateException) {
            Terminal.err().println("baichuan: " + failure.getMessage());
            return 1;
          }
          throw failure;
        };
    CommandLine line = new CommandLine(new Main());
    line.setExecutionExceptionHandler(failures);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setOut(new PrintWriter(Terminal.out(), true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(Terminal.err(), true, StandardCharsets.UTF_8));
    if (args.length == 0) {
      line.usage(Terminal.err());
      return 2;
    }
    return line.execute(args);
  }
}

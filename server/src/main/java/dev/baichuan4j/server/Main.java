package dev.baichuan4j.server;

import dev.baichuan4j.BaichuanException;
import java.io.IOException;
import java.io.UncheckedIOException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;

/** {@code baichuan}: exit code 0, 1 (failed) or 2 (wrong use). */
@Command(
    name = "baichuan",
    mixinStandardHelpOptions = true,
    version = "baichuan4j 0.1.0",
    description = "Runs the Baichuan language models.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      ChatCommand.class,
      GenerateCommand.class,
      TokenizeCommand.class,
      LogitsCommand.class,
      PerplexityCommand.class,
      BenchCommand.class,
      DoctorCommand.class,
      CommandLine.HelpCommand.class
    })
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.exit(run(args));
  }

  /** Runs a command and returns its exit code. */
  public static int run(String... args) {
    IExecutionExceptionHandler failures =
        (failure, command, parsed) -> {
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
    line.setOut(new java.io.PrintWriter(Terminal.out(), true));
    line.setErr(new java.io.PrintWriter(Terminal.err(), true));
    if (args.length == 0) {
      line.usage(Terminal.err());
      return 2;
    }
    return line.execute(args);
  }
}

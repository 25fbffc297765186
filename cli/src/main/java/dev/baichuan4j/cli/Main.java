package dev.baichuan4j.cli;

import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.server.command.ServeCommand;
import dev.baichuan4j.server.command.WorkerCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code baichuan}: its exit codes are in the list below. */
@Command(
    name = "baichuan",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    description = "Runs the Baichuan language models.",
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "Exit codes:%n",
    exitCodeList = {
      "0:success",
      "1:failure",
      "2:wrong use",
      "130:ended by Ctrl-C (INT)",
      "141:the reader of standard output has gone (as a program that PIPE ends)",
      "143:ended by TERM"
    })
public final class Main {
  private static final int FAILURE = 1;
  private static final int WRONG_USE = 2;
  private static final int READER_GONE =
      128 + 13; // as a shell tells of a program that SIGPIPE ends

  private static final List<Class<?>> COMMANDS =
      List.of(
          ChatCommand.class,
          GenerateCommand.class,
          TokenizeCommand.class,
          ConstrainCommand.class,
          LogitsCommand.class,
          EmbedCommand.class,
          ClassifyCommand.class,
          RerankCommand.class,
          PerplexityCommand.class,
          FineTuneCommand.class,
          DemoSelfCommand.class,
          EvalCommand.class,
          QuantizeCommand.class,
          ConvertCommand.class,
          MergeCommand.class,
          InspectCommand.class,
          BenchCommand.class,
          ServeCommand.class,
          WorkerCommand.class,
          DoctorCommand.class,
          CommandLine.HelpCommand.class);

  private Main() {}

  /** The version that the native library was built as. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"baichuan4j " + Ops.nativeVersion()};
    }
  }

  public static void main(String[] args) {
    // The log goes there too, and is UTF-8 then.
    System.setErr(Terminal.err());
    System.setOut(Terminal.out());
    Interruption.exit(Interruption.run(() -> recoverAndRun(args)));
  }

  private static int recoverAndRun(String[] args) {
    try {
      return run(Arguments.recover(args));
    } catch (Arguments.LostException e) {
      complain(e.getMessage());
      return WRONG_USE;
    }
  }

  /** Runs a command and returns its exit code. */
  public static int run(String... args) {
    CommandLine line = commands(args);
    line.setExecutionExceptionHandler((failure, command, parsed) -> failed(failure));
    line.setParameterExceptionHandler((failure, all) -> misused(failure));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExpandAtFiles(false); // "@name" is text like any other
    line.registerConverter(Path.class, Main::path);
    line.setOut(new PrintWriter(Terminal.out(), true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(Terminal.err(), true, StandardCharsets.UTF_8));
    line.setExecutionStrategy(Main::execute);
    if (args.length == 0) {
      line.usage(Terminal.err());
      return WRONG_USE;
    }
    return line.execute(args);
  }

  /**
   * The commands: all of them, or the one that is named alone. To read the options of all takes a
   * third of the time that a short command has.
   */
  private static CommandLine commands(String... args) {
    CommandLine line = new CommandLine(new Main());
    List<Class<?>> named =
        COMMANDS.stream().filter(type -> args.length > 0 && name(type).equals(args[0])).toList();
    boolean one = !named.isEmpty() && named.get(0) != CommandLine.HelpCommand.class;
    (one ? named : COMMANDS).forEach(type -> line.addSubcommand(type));
    return line;
  }

  private static String name(Class<?> type) {
    return type.getAnnotation(Command.class).name();
  }

  /** Runs the command, and lets what fails in --help and --version fail as in a command. */
  private static int execute(ParseResult parsed) {
    try {
      return new RunLast().execute(parsed);
    } catch (StandardOutput.Failure e) {
      throw new ExecutionException(parsed.commandSpec().commandLine(), e.getMessage(), e);
    }
  }

  private static Path path(String text) {
    try {
      return Arguments.path(text);
    } catch (InvalidPathException e) {
      throw new TypeConversionException("expected the name of a file: " + e.getReason());
    }
  }

  private static int misused(ParameterException failure) {
    CommandLine command = failure.getCommandLine();
    complain(failure.getMessage());
    UnmatchedArgumentException.printSuggestions(failure, command.getErr());
    complain("see " + command.getCommandSpec().qualifiedName() + " --help");
    return WRONG_USE;
  }

  /** Tells why a command has failed and returns the exit code. */
  private static <E extends Throwable> int failed(E failure) throws E {
    if (Interruption.isRequested()) {
      return FAILURE; // The exit code is that of the signal.
    }
    if (failure instanceof StandardOutput.Failure output && output.isReaderGone()) {
      return READER_GONE;
    }
    if (failure instanceof FileSystemException e) {
      complain(e.getFile() + " cannot be used: " + InputFile.reason(e));
      return FAILURE;
    }
    if (failure instanceof InvalidPathException e) {
      complain(
          "a file's name has value "
              + e.getInput()
              + ", expected one that the locale's character set holds; set LC_ALL=C.UTF-8");
      return FAILURE;
    }
    if (failure instanceof UncheckedIOException e && !(failure instanceof StandardOutput.Failure)) {
      complain(e.getMessage() + ": " + InputFile.reason(e.getCause()));
      return FAILURE;
    }
    if (failure instanceof BaichuanException
        || failure instanceof IOException
        || failure instanceof UncheckedIOException
        || failure instanceof IllegalStateException) {
      complain(failure.getMessage());
      return failure instanceof InvalidRequestException ? WRONG_USE : FAILURE;
    }
    throw failure;
  }

  private static void complain(String message) {
    Terminal.err().println("baichuan: " + message);
  }
}

package dev.baichuan4j.server.command;

import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.server.ApiException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;

/** {@code java -jar baichuan4j-server.jar}: the command {@code serve}, and {@code worker}. */
public final class ServerMain {
  private static final int FAILURE = 1;
  private static final int WRONG_USE = 2;

  private ServerMain() {}

  /** Serves, and ends the process with the exit code of the command. */
  public static void main(String[] args) {
    System.setErr(utf8(FileDescriptor.err)); // The log goes there too.
    System.setOut(utf8(FileDescriptor.out));
    System.exit(run(args));
  }

  private static PrintStream utf8(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }

  private static int run(String... args) {
    CommandLine line = new CommandLine(new ServeCommand());
    line.setCommandName("baichuan4j-server");
    line.addSubcommand(new WorkerCommand());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExpandAtFiles(false);
    line.setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8));
    line.setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8));
    line.setParameterExceptionHandler(
        (failure, all) -> {
          line.getErr().println("baichuan: " + failure.getMessage());
          CommandLine.UnmatchedArgumentException.printSuggestions(failure, line.getErr());
          line.getErr().println("baichuan: see --help");
          return WRONG_USE;
        });
    line.setExecutionExceptionHandler(
        (failure, command, parsed) -> {
          if (failure instanceof BaichuanException
              || failure instanceof ApiException
              || failure instanceof IOException) {
            line.getErr().println("baichuan: " + failure.getMessage());
            return FAILURE;
          }
          throw failure;
        });
    return line.execute(args);
  }
}

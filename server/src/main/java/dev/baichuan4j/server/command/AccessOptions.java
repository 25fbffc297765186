package dev.baichuan4j.server.command;

import static dev.baichuan4j.server.command.WrongOption.require;
import static dev.baichuan4j.server.command.WrongOption.requireBetween;

import dev.baichuan4j.server.http.ApiKeys;
import dev.baichuan4j.server.http.HttpSettings;
import dev.baichuan4j.server.http.Tls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Option;

/** Where the server listens, and who may ask. */
final class AccessOptions {
  private static final int MOST_PORTS = 65_535;

  /** What a browser calls this machine. */
  private static final List<String> LOCAL = List.of("localhost", "127.0.0.1", "[::1]");

  @Option(
      names = "--host",
      paramLabel = "H",
      defaultValue = "127.0.0.1",
      description =
          "Address to listen on (default: ${DEFAULT-VALUE}, this machine alone); 0.0.0.0 is all.")
  private String host;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "8000",
      description = "Port to listen on (default: ${DEFAULT-VALUE}); 0 takes a free one.")
  private int port;

  @Option(
      names = "--api-key",
      paramLabel = "[NAME:]KEY",
      description = "A key that a request must have; may be given again.")
  private List<String> keys = new ArrayList<>();

  @Option(
      names = "--api-key-file",
      paramLabel = "F",
      description = "A file with such a key a line; read anew when it changes.")
  private Path keyFile;

  @Option(names = "--no-auth", description = "Listen on any --host without asking for a key.")
  private boolean noAuth;

  @Option(names = "--open-metrics", description = "Ask for no key at /metrics.")
  private boolean openMetrics;

  @Option(
      names = "--allowed-host",
      paramLabel = "NAME",
      description =
          "A name that a request's Host header may have; may be given again. Without keys, a server"
              + " for this machine takes localhost, 127.0.0.1 and [::1].")
  private List<String> allowedHosts = new ArrayList<>();

  @Option(
      names = "--cors-origin",
      paramLabel = "O",
      description =
          "An origin whose web pages may ask, as https://example.org, or *; may be given again"
              + " (default: none).")
  private List<String> origins = new ArrayList<>();

  @Option(
      names = "--tls-keystore",
      paramLabel = "F",
      description = "Certificate and key, PKCS #12 or JKS; read anew when it changes.")
  private Path keystore;

  @Option(
      names = "--tls-password-file",
      paramLabel = "F",
      description = "A file with the password of the keystore.")
  private Path passwordFile;

  String host() {
    return host;
  }

  int port() {
    requireBetween("--port", port, 0, MOST_PORTS);
    return port;
  }

  boolean hasKeys() {
    return !keys.isEmpty() || keyFile != null;
  }

  /**
   * Who may ask.
   *
   * @param open paths that need no key in any case
   */
  HttpSettings.Access access(Set<String> open) {
    require(!noAuth || !hasKeys(), "--no-auth", "true", "no --api-key or --api-key-file beside it");
    require(
        hasKeys() || noAuth || isLoopback(host),
        "--host",
        host,
        "127.0.0.1 where no key is asked for, because whoever reaches this machine could use the"
            + " model; give --api-key KEY or --api-key-file F, or --no-auth if that is meant");
    Set<String> free = new HashSet<>(open);
    if (openMetrics) {
      free.add("/metrics");
    }
    return new HttpSettings.Access(keys(), free, hosts(), origins());
  }

  private Optional<ApiKeys> keys() {
    if (!hasKeys()) {
      return Optional.empty();
    }
    try {
      ApiKeys all = new ApiKeys(keys, Optional.ofNullable(keyFile));
      require(all.size() > 0, "--api-key-file", keyFile, "a file with at least one key");
      return Optional.of(all);
    } catch (IOException e) {
      throw new WrongOption("--api-key-file", keyFile, "a file that can be read: " + e);
    } catch (IllegalArgumentException e) {
      String option = keyFile == null ? "--api-key" : "--api-key-file";
      throw new WrongOption(option, "a wrong key", "usable ones: " + e.getMessage());
    }
  }

  /** The names that the server goes by; empty where it takes any. */
  private Set<String> hosts() {
    Set<String> hosts = new HashSet<>();
    allowedHosts.forEach(name -> hosts.add(name.toLowerCase(Locale.ROOT)));
    boolean guards = !hasKeys() && isLoopback(host);
    if (guards || !hosts.isEmpty()) {
      hosts.addAll(local(host));
    }
    return hosts;
  }

  /** The names of a server for this machine alone. */
  static Set<String> local(String host) {
    Set<String> hosts = new HashSet<>(LOCAL);
    hosts.add(host.contains(":") ? "[" + host + "]" : host.toLowerCase(Locale.ROOT));
    return hosts;
  }

  private Set<String> origins() {
    for (String origin : origins) {
      require(
          origin.equals("*") || origin.matches("https?://[^/*\\s]+"),
          "--cors-origin",
          origin,
          "* or an origin as a browser sends it, such as https://example.org");
    }
    return Set.copyOf(origins);
  }

  Optional<Tls> tls() {
    if (keystore == null) {
      require(
          passwordFile == null, "--tls-password-file", passwordFile, "--tls-keystore beside it");
      return Optional.empty();
    }
    require(passwordFile != null, "--tls-keystore", keystore, "--tls-password-file beside it");
    requireReadable("--tls-keystore", keystore);
    requireReadable("--tls-password-file", passwordFile);
    return Optional.of(new Tls(keystore, passwordFile));
  }

  private static void requireReadable(String option, Path file) {
    require(Files.isReadable(file), option, file, "a file that can be read");
  }

  /** Whether an address is reached from this machine alone. */
  static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      throw new WrongOption("--host", host, "an address of this machine");
    }
  }
}

package dev.baichuan4j.server.http;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * A certificate and its key.
 *
 * @param keystore a file in the format PKCS #12 or JKS; read anew when it changes
 * @param passwordFile a file whose first line is its password
 */
public record Tls(Path keystore, Path passwordFile) {
  /**
   * Checks that both files are named.
   *
   * @throws NullPointerException if one is null
   */
  public Tls {
    Objects.requireNonNull(keystore, "keystore");
    Objects.requireNonNull(passwordFile, "passwordFile");
  }

  SslContextFactory.Server context() throws IOException {
    SslContextFactory.Server ssl = new SslContextFactory.Server();
    ssl.setKeyStorePath(keystore.toAbsolutePath().toString());
    ssl.setKeyStorePassword(Files.readAllLines(passwordFile).stream().findFirst().orElse(""));
    return ssl;
  }
}

package dev.baichuan4j.server.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that would rather speak HTTP/2, pipelines, TLS, and what is told of each request. */
class ProtocolTest {
  private static final String PASSWORD = "keystore-password";

  @TempDir Path folder;

  private static HttpResponse<String> post(HttpClient client, URI address, String body)
      throws Exception {
    return client.send(
        HttpRequest.newBuilder(address.resolve("/v1/echo"))
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void aClientThatWouldUpgradeToHttp2IsAnswered() throws Exception {
    try (BaichuanServer server =
        BaichuanServer.start(HttpSettings.local(), List.of(new TestRoutes()))) {
      HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
      for (int i = 0; i < 3; i++) {
        HttpResponse<String> response = post(client, server.address(), "北京 " + i);
        assertEquals("北京 " + i, response.body());
        assertEquals(HttpClient.Version.HTTP_1_1, response.version());
      }
    }
  }

  @Test
  void requestsThatComeTogetherAreAnsweredInTurn() throws Exception {
    try (BaichuanServer server =
            BaichuanServer.start(HttpSettings.local(), List.of(new TestRoutes()));
        RawClient raw = new RawClient(server)) {
      String one = "POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none";
      String two = "POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo";
      String three = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
      String answers = raw.send(one + two + three).readAll();
      assertTrue(
          answers.matches(
              "(?s)HTTP/1.1 200 .*\r\n\r\noneHTTP/1.1 200 .*\r\n\r\ntwoHTTP/1.1 200 .*live"),
          answers);
    }
  }

  @Test
  void aClientThatAsksBeforeItSendsIsToldToGoOn() throws Exception {
    try (BaichuanServer server =
            BaichuanServer.start(HttpSettings.local(), List.of(new TestRoutes()));
        RawClient raw = new RawClient(server)) {
      raw.send(
          "POST /v1/echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
      assertTrue(raw.readUntil("\r\n\r\n").startsWith("HTTP/1.1 100"));
      raw.send("abc");
      raw.readUntil("abc");
    }
  }

  @Test
  @Timeout(120)
  void aCertificateIsReadAnewWhenItsFileChanges() throws Exception {
    Path keystore = folder.resolve("server.p12");
    Path password = Files.writeString(folder.resolve("password"), PASSWORD + "\n");
    Certificate first = makeCertificate(keystore, "first");
    try (BaichuanServer server =
        BaichuanServer.start(
            HttpSettings.local().withTls(new Tls(keystore, password)), List.of(new TestRoutes()))) {
      assertEquals("https", server.address().getScheme());
      assertEquals("hello", post(trusting(first), server.address(), "hello").body());
      Certificate second = makeCertificate(keystore, "second");
      assertNotEquals(first, second);
      while (!isAnswered(trusting(second), server.address())) {
        Thread.sleep(200);
      }
      assertFalse(isAnswered(trusting(first), server.address()));
    }
  }

  private static boolean isAnswered(HttpClient client, URI address) throws Exception {
    try {
      return post(client, address, "x").body().equals("x");
    } catch (javax.net.ssl.SSLException e) {
      return false;
    }
  }

  /** Writes a keystore with a new certificate, by moving it into its place. */
  private Certificate makeCertificate(Path keystore, String name) throws Exception {
    Path made = folder.resolve(name + ".new");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "server",
                "-keyalg",
                "EC",
                "-dname",
                "CN=" + name,
                "-ext",
                "san=ip:127.0.0.1",
                "-storetype",
                "PKCS12",
                "-keystore",
                made.toString(),
                "-storepass",
                PASSWORD)
            .redirectErrorStream(true)
            .start();
    String said = new String(keytool.getInputStream().readAllBytes());
    assertEquals(0, keytool.waitFor(), said);
    Certificate certificate =
        KeyStore.getInstance(made.toFile(), PASSWORD.toCharArray()).getCertificate("server");
    Files.move(made, keystore, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    return certificate;
  }

  private static HttpClient trusting(Certificate certificate) throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("server", (X509Certificate) certificate);
    TrustManagerFactory managers =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    return HttpClient.newBuilder().sslContext(context).build();
  }

  @Test
  void listenersAreToldOfRequestsAndOfTextOnlyWhereThatIsWanted() throws Exception {
    for (LogDetail detail : LogDetail.values()) {
      BlockingQueue<Exchange> told = new LinkedBlockingQueue<>();
      try (BaichuanServer server =
          BaichuanServer.start(
              HttpSettings.local().withListeners(detail, List.of(told::add)),
              List.of(new TestRoutes()))) {
        post(HttpClient.newHttpClient(), server.address(), "a secret");
        Exchange exchange = told.poll(1, TimeUnit.MINUTES);
        assertEquals("POST", exchange.method());
        assertEquals("/v1/echo", exchange.path());
        assertEquals(Optional.of("/v1/echo"), exchange.route());
        assertEquals(Optional.of("127.0.0.1"), exchange.caller());
        assertEquals(200, exchange.status());
        assertEquals(8, exchange.responseBytes());
        assertTrue(exchange.complete());
        Optional<String> text =
            detail == LogDetail.TEXT ? Optional.of("a secret") : Optional.empty();
        assertEquals(text, exchange.requestText());
        assertEquals(text, exchange.responseText());
      }
    }
  }

  @Test
  void aLineOfTheLogCannotBeForged() {
    assertEquals("a⏎b\uFFFDc\uFFFD", AccessLog.printable("a\nb\u001bc\u202e"));
  }
}

package dev.baichuan4j.server.stream;

import jakarta.servlet.ServletRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.eclipse.jetty.ee10.servlet.ServletContextRequest;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.io.Connection.UpgradeTo;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.util.BufferUtil;

/**
 * The connection of a request that has been read whole and is not answered yet.
 *
 * <p>Jetty reads nothing meanwhile, so it hears of a client that has gone when it writes, and not
 * before. This looks: an end of the stream means that the client has gone. A byte of a next request
 * that came too early goes to Jetty's buffer, and there is no looking any more. HTTP/2 tells of
 * streams that are reset by itself.
 */
final class Connection {
  private final EndPoint endPoint;
  private final UpgradeTo reader; // null where there is nothing to look at

  private Connection(EndPoint endPoint, UpgradeTo reader) {
    this.endPoint = endPoint;
    this.reader = reader;
  }

  static Connection of(ServletRequest request) {
    var metaData = ServletContextRequest.getServletContextRequest(request).getConnectionMetaData();
    var connection = metaData.getConnection();
    boolean looks =
        metaData.getHttpVersion().getVersion() < HttpVersion.HTTP_2.getVersion()
            && connection instanceof UpgradeTo;
    return new Connection(connection.getEndPoint(), looks ? (UpgradeTo) connection : null);
  }

  /** What {@link #look} has found. */
  enum State {
    OPEN,
    CLOSED,
    /** It can no longer be told. */
    UNKNOWN
  }

  /** Looks, and does not wait. Not to be called when the response is complete. */
  State look() {
    if (reader == null) {
      return State.UNKNOWN;
    }
    ByteBuffer first = BufferUtil.allocate(1);
    try {
      int read = endPoint.fill(first);
      if (read > 0) {
        reader.onUpgradeTo(first);
        return State.UNKNOWN;
      }
      return read < 0 ? State.CLOSED : State.OPEN;
    } catch (IOException e) {
      return State.CLOSED; // reset by the client
    }
  }
}

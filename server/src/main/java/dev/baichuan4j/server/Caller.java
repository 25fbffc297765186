package dev.baichuan4j.server;

import io.javalin.http.Context;
import java.util.Objects;

/**
 * Who asks: requests of one caller share its part of the model, as {@link
 * dev.baichuan4j.GenerationOptions#caller()} says.
 *
 * @param key the name of the API key, or the address where the server takes none
 */
public record Caller(String key) {
  /** The attribute of a request that holds its caller. */
  public static final String ATTRIBUTE = "caller";

  /**
   * Checks that the key is present.
   *
   * @throws NullPointerException if it is null
   */
  public Caller {
    Objects.requireNonNull(key, "key");
  }

  /** Returns the caller of a request; by its address where nothing else is known of it. */
  public static Caller of(Context context) {
    Caller known = context.attribute(ATTRIBUTE);
    return known != null ? known : new Caller(context.req().getRemoteAddr());
  }
}

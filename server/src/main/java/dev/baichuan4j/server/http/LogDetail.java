package dev.baichuan4j.server.http;

/** What is written of each request: nothing, one line, or its text as well. */
public enum LogDetail {
  /** Nothing. */
  NONE,
  /** Method, path, status, caller, times and sizes; no word of the request or the answer. */
  REQUESTS,
  /** The bodies of requests and answers too. */
  TEXT
}

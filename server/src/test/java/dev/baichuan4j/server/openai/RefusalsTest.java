package dev.baichuan4j.server.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is refused, and whether the field is named. */
class RefusalsTest {
  private static Server server;

  @BeforeAll
  static void start() {
    server = new Server();
  }

  @AfterAll
  static void everyModelIsLetGo() {
    assertEquals(0, server.models.inUse());
    server.close();
  }

  private static void refused(String path, String param, String body) {
    JsonNode error = server.refused(path, body);
    assertEquals("invalid_request_error", error.get("type").asText(), body);
    assertEquals(param, error.get("param").asText(), body + " " + error);
    assertTrue(error.get("message").asText().contains(param), error.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "temperature | 2.5",
        "temperature | -1",
        "temperature | \"1\"",
        "temperature | 1e999",
        "top_p | 1.1",
        "top_k | -2",
        "top_k | 1.5",
        "min_p | true",
        "typical_p | 0",
        "repetition_penalty | 0",
        "frequency_penalty | 3",
        "presence_penalty | -3",
        "max_tokens | 0",
        "max_tokens | 99999999999999999999",
        "max_completion_tokens | -1",
        "n | 0",
        "n | 9", // of at most 8
        "n | 129",
        "seed | 1e30",
        "seed | 99999999999999999999",
        "stop | 7",
        "stop[1] | [\"a\",1]",
        "stop | \"\"",
        "stop | [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]",
        "logit_bias | []",
        "logit_bias | {\"a\":1}",
        "logit_bias | {\"7000\":1}",
        "logit_bias.5 | {\"5\":101}",
        "top_logprobs | 3",
        "stream | \"yes\"",
        "stream_options | {\"include_usage\":true}",
        "response_format | []",
        "response_format.type | {\"type\":\"xml\"}",
        "response_format.type | {}",
        "response_format.json_schema | {\"type\":\"json_schema\"}",
        "response_format.json_schema.schema | {\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\"}}",
        "response_format.json_schema.schema | {\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":{\"type\":\"nothing\"}}}",
        "guided_regex | \"(\"",
        "guided_regex | 1",
        "guided_choice | []",
        "guided_choice | \"a\"",
        "guided_grammar | \"root: x\"",
        "guided_json | {\"unevaluatedItems\":false,\"type\":\"array\"}",
        "structured_outputs.regex | {\"regex\":\"(\"}",
        "structured_outputs.structural_tag | {\"structural_tag\":\"a\"}",
        "chat_template_kwargs | 1",
        "chat_template_kwargs | {\"enable_thinking\": false}", // this model has no template
        "priority | \"soon\"",
        "priority | 1.5",
        "service_tier | \"gold\"",
        "cache_salt | 5",
        "store | true",
        "functions | []",
        "function_call | \"auto\"",
        "modalities | [\"audio\"]",
        "audio | {}",
        "reasoning_effort | \"low\"",
        "best_of | 2",
        "stop_token_ids | [1]",
        "tool_choice | \"auto\"",
        "tools | {}",
        "tools[0] | [1]",
        "tools[0].type | [{\"type\":\"web\"}]",
        "tools[0].function | [{\"type\":\"function\"}]",
        "tools[0].function.name | [{\"type\":\"function\",\"function\":{}}]",
        "tools[0].function.name | [{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]",
        "tools[0].function.parameters | [{\"type\":\"function\",\"function\":{\"name\":\"a\",\"parameters\":[]}}]",
        "tools[0].function.parameters | [{\"type\":\"function\",\"function\":{\"name\":\"a\",\"parameters\":{\"type\":\"array\"}}}]",
        "tools[1].function.name | [{\"type\":\"function\",\"function\":{\"name\":\"a\"}},{\"type\":\"function\",\"function\":{\"name\":\"a\"}}]",
      })
  void aFieldOfAChatIsNamed(String param, String value) {
    String name = param.replaceFirst("[\\[.].*", "");
    refused(
        "/v1/chat/completions",
        param,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"" + name + "\":" + value + "}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "messages | 1",
        "messages | []",
        "messages[0] | [1]",
        "messages[0].role | [{\"content\":\"a\"}]",
        "messages[0].role | [{\"role\":\"king\",\"content\":\"a\"}]",
        "messages[0].role | [{\"role\":\"tool\",\"content\":\"a\",\"tool_call_id\":\"b\"}]",
        "messages[0].content | [{\"role\":\"user\"}]",
        "messages[0].content | [{\"role\":\"user\",\"content\":null}]",
        "messages[0].content | [{\"role\":\"user\",\"content\":5}]",
        "messages[0].content[0] | [{\"role\":\"user\",\"content\":[\"a\"]}]",
        "messages[0].content[0].type | [{\"role\":\"user\",\"content\":[{\"text\":\"a\"}]}]",
        "messages[0].content[0].text | [{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]",
        "messages[0].content[1].image_url | [{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"b\"}}]}]",
        "messages[1].role | [{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"system\",\"content\":\"b\"}]",
        "messages[0].tool_calls[0].id | [{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"a\",\"arguments\":\"{}\"}}]}]",
        "messages[0].tool_calls[0].function.arguments | [{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"a\",\"arguments\":\"{\"}}]}]",
        "messages[1].tool_call_id | [{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"a\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"2\",\"content\":\"b\"}]",
      })
  void aMessageIsNamed(String param, String messages) {
    refused("/v1/chat/completions", param, "{\"messages\":" + messages + "}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/v1/completions | prompt | {}",
        "/v1/completions | prompt | {\"prompt\":\"\"}",
        "/v1/completions | prompt | {\"prompt\":[]}",
        "/v1/completions | prompt | {\"prompt\":{}}",
        "/v1/completions | prompt[1] | {\"prompt\":[\"a\",1]}",
        "/v1/completions | prompt[1] | {\"prompt\":[1,-1]}",
        "/v1/completions | prompt[1] | {\"prompt\":[1,\"a\"]}",
        "/v1/completions | prompt | {\"prompt\":[1,6144]}",
        "/v1/completions | prompt[0] | {\"prompt\":[[]]}",
        "/v1/completions | suffix | {\"prompt\":\"a\",\"suffix\":\"b\"}",
        "/v1/completions | best_of | {\"prompt\":\"a\",\"best_of\":1,\"n\":2}",
        "/v1/completions | best_of | {\"prompt\":\"a\",\"best_of\":2,\"stream\":true}",
        "/v1/completions | best_of | {\"prompt\":\"a\",\"best_of\":2,\"temperature\":0}",
        "/v1/completions | n | {\"prompt\":[\"a\",\"b\",\"c\"],\"n\":3}",
        "/v1/completions | n | {\"prompt\":\"a\",\"n\":2,\"temperature\":0}",
        "/v1/completions | logprobs | {\"prompt\":\"a\",\"logprobs\":21}",
        "/v1/completions | echo | {\"prompt\":\"a\",\"logprobs\":1,\"echo\":true,\"stream\":true}",
        "/v1/completions | min_tokens | {\"prompt\":\"a\",\"min_tokens\":17}",
        "/v1/embeddings | input | {}",
        "/v1/embeddings | input[1] | {\"input\":[\"a\",\"\"]}",
        "/v1/embeddings | dimensions | {\"input\":\"a\",\"dimensions\":7}",
        "/v1/embeddings | encoding_format | {\"input\":\"a\",\"encoding_format\":\"hex\"}",
        "/v1/rerank | query | {\"documents\":[\"a\"]}",
        "/v1/rerank | documents | {\"query\":\"a\",\"documents\":[]}",
        "/v1/rerank | documents[0] | {\"query\":\"a\",\"documents\":[5]}",
        "/v1/rerank | documents[0].text | {\"query\":\"a\",\"documents\":[{}]}",
        "/v1/rerank | top_n | {\"query\":\"a\",\"documents\":[\"b\"],\"top_n\":0}",
        "/tokenize | prompt | {}",
        "/tokenize | prompt | {\"prompt\":\"a\",\"content\":\"b\"}",
        "/detokenize | tokens | {}",
        "/detokenize | tokens[1] | {\"tokens\":[1,6144]}",
        "/v1/responses | input | {}",
        "/v1/responses | input | {\"input\":[]}",
        "/v1/responses | input[0].role | {\"input\":[{\"content\":\"a\"}]}",
        "/v1/responses | input[0].type | {\"input\":[{\"type\":\"item_reference\"}]}",
        "/v1/responses | input[0].call_id | {\"input\":[{\"type\":\"function_call\",\"call_id\":\"1\",\"name\":\"a\",\"arguments\":\"{}\"}]}",
        "/v1/responses | previous_response_id | {\"input\":\"a\",\"previous_response_id\":\"resp_1\"}",
        "/v1/responses | store | {\"input\":\"a\",\"store\":true}",
        "/v1/responses | background | {\"input\":\"a\",\"background\":true}",
        "/v1/responses | include | {\"input\":\"a\",\"include\":[\"file_search_call.results\"]}",
        "/v1/responses | text.format.schema | {\"input\":\"a\",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"a\"}}}",
        "/v1/responses | tools[0].type | {\"input\":\"a\",\"tools\":[{\"type\":\"web_search\"}]}",
      })
  void aFieldOfOtherEndpointsIsNamed(String path, String param, String body) {
    refused(path, param, body);
  }

  @Test
  void whatIsNoJsonIsRefused() {
    String deep = "[".repeat(400) + "]".repeat(400);
    for (String body :
        new String[] {
          "",
          "null",
          "[]",
          "\"a\"",
          "{",
          "{\"a\":}",
          "{\"a\":NaN}",
          "{\"a\":01}",
          "{'a':1}",
          "{\"a\":1}x",
          "{\"a\":1,\"a\":2}",
          "{\"a\":\"\u0001\"}",
          "{\"a\":\"\0\"}",
          "{\"a\":\"\\ud800\"}",
          "{\"\\udc00\":1}",
          "{\"a\":1" + "0".repeat(2000) + "}",
          "{\"a\":1e99999999999}",
          "{\"a\":" + deep + "}",
          "\ufeff{}",
        }) {
      JsonNode error = server.refused("/v1/chat/completions", body);
      assertTrue(error.get("param").isNull(), body);
      assertTrue(error.get("message").asText().startsWith("body "), error.toString());
    }
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() {
    byte[][] bodies = {
      {'{', '"', (byte) 0xFF, '"', ':', '1', '}'},
      {'{', '"', (byte) 0xC0, (byte) 0x80, '"', ':', '1', '}'},
      {'{', '"', (byte) 0xED, (byte) 0xA0, (byte) 0x80, '"', ':', '1', '}'},
      "{\"a\":1}".getBytes(StandardCharsets.UTF_16),
    };
    for (byte[] body : bodies) {
      HttpResponse<String> response = server.send(post("application/json", body));
      assertEquals(400, response.statusCode());
      assertTrue(response.body().contains("not UTF-8"), response.body());
    }
  }

  private static HttpRequest post(String type, byte[] body) {
    return HttpRequest.newBuilder(URI.create(server.url() + "/v1/chat/completions"))
        .header("Content-Type", type)
        .POST(HttpRequest.BodyPublishers.ofByteArray(body))
        .build();
  }

  @Test
  void onlyJsonIsTaken() {
    for (String type : new String[] {"text/plain", "multipart/form-data; boundary=a", "a"}) {
      assertEquals(415, server.send(post(type, "{}".getBytes())).statusCode());
    }
    assertEquals(
        400, server.send(post("application/json; charset=UTF-8", "{}".getBytes())).statusCode());
  }

  @Test
  void fieldsThatNobodyKnowsAreIgnoredAndNamed() {
    HttpResponse<String> response =
        server.send(
            "/v1/chat/completions",
            "{\"max_tokens\":1,\"colour\":\"red\",\"a\\nb\":1,\"user\":\"u\",\"messages\":"
                + "[{\"role\":\"user\",\"content\":\"a\",\"name\":\"bob\",\"x\":1}]}");
    assertEquals(200, response.statusCode());
    assertEquals(
        "colour, a?b, messages[0].x, messages[0].name",
        response.headers().firstValue("x-ignored-fields").orElse(""));
  }

  @Test
  void aModelThatIsNotServedIsNotFound() {
    HttpResponse<String> response =
        server.send("/tokenize", "{\"model\":\"gpt-4\",\"prompt\":\"a\"}");
    assertEquals(404, response.statusCode());
    assertTrue(response.body().contains("model_not_found"));
  }

  @Test
  void aBaseModelHasNoChats() {
    refusedWith("/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],");
    refusedWith("/v1/responses", "{\"input\":\"a\",");
  }

  private static void refusedWith(String path, String body) {
    JsonNode error = server.refused(path, body + "\"model\":\"tiny-base\"}");
    assertTrue(error.get("message").asText().contains("chat model"), error.toString());
  }

  @Test
  void promptsHaveALimit() {
    String text = "a".repeat(20_001);
    for (String body :
        new String[] {
          "/v1/completions {\"prompt\":\"" + text + "\"}",
          "/v1/embeddings {\"input\":\"" + text + "\"}",
          "/tokenize {\"prompt\":\"" + text + "\"}",
          "/v1/responses {\"input\":\"" + text + "\"}",
        }) {
      String[] parts = body.split(" ", 2);
      assertEquals(
          "string_above_max_length", server.refused(parts[0], parts[1]).get("code").asText());
    }
  }
}

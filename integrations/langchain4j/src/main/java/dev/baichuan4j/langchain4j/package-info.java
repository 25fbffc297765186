/**
 * The models of LangChain4j over a Baichuan model in the same process: {@link
 * dev.baichuan4j.langchain4j.BaichuanChatModel}, {@link
 * dev.baichuan4j.langchain4j.BaichuanStreamingChatModel}, {@link
 * dev.baichuan4j.langchain4j.BaichuanEmbeddingModel}, {@link
 * dev.baichuan4j.langchain4j.BaichuanScoringModel} and {@link
 * dev.baichuan4j.langchain4j.BaichuanTokenCountEstimator}.
 *
 * <p>All are immutable and safe for any number of threads. Several of them may share one {@link
 * dev.baichuan4j.Baichuan}, which batches what they ask. A model that a builder was given stays the
 * caller's to close; one that a builder has loaded is closed with the object that was built.
 *
 * <p>Every parameter of a request has its effect, or the request is refused. Failures are those of
 * LangChain4j, with the failure of this library as their cause:
 *
 * <table>
 * <caption>Exceptions</caption>
 * <tr><th>of LangChain4j</th><th>when</th></tr>
 * <tr><td>{@code InvalidRequestException}</td><td>a parameter or message is out of its range or
 * place, or the conversation is too long for the context</td></tr>
 * <tr><td>{@code UnsupportedFeatureException}</td><td>the request has what no Baichuan model takes,
 * such as an image</td></tr>
 * <tr><td>{@code ModelNotFoundException}</td><td>the request names another model</td></tr>
 * <tr><td>{@code RateLimitException}</td><td>too many requests wait</td></tr>
 * <tr><td>{@code TimeoutException}</td><td>the time that the request was given is over</td></tr>
 * <tr><td>{@code InternalServerException}</td><td>the model is closed, or its device
 * failed</td></tr>
 * <tr><td>{@code LangChain4jException}</td><td>the thread was interrupted; its flag stays
 * set</td></tr>
 * </table>
 */
package dev.baichuan4j.langchain4j;

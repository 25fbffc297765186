/**
 * A worker of a FastChat cluster: it serves one model by FastChat's protocol of workers, and keeps
 * a controller told that it is there. A client asks the controller for the address of a worker and
 * then the worker itself.
 *
 * <p>Source of the protocol: {@code fastchat/serve/base_model_worker.py}, {@code model_worker.py},
 * {@code controller.py} and {@code openai_api_server.py} of lm-sys/FastChat.
 */
package dev.baichuan4j.server.fastchat;

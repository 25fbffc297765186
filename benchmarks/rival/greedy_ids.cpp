// The ids that llama.cpp chooses greedily after given ids, but for those that end a text, with a cache in f32.
//
//   greedy_ids MODEL.gguf NEW ID...
//
// prints NEW ids on a line. same_ids.py builds it against llama.h and libllama of a build of llama.cpp.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "llama.h"

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: greedy_ids MODEL.gguf NEW ID...\n");
    return 2;
  }
  llama_log_set([](ggml_log_level level, const char* text, void*) {
    if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
  }, nullptr);
  llama_backend_init();
  llama_model_params model_params = llama_model_default_params();
  llama_model* model = llama_model_load_from_file(argv[1], model_params);
  if (model == nullptr) return 1;
  llama_context_params params = llama_context_default_params();
  params.n_ctx = 1024;
  params.n_threads = 2;
  params.n_threads_batch = 2;
  params.type_k = GGML_TYPE_F32;
  params.type_v = GGML_TYPE_F32;
  llama_context* context = llama_init_from_model(model, params);
  if (context == nullptr) return 1;
  const llama_vocab* vocab = llama_model_get_vocab(model);
  const int vocabulary = llama_vocab_n_tokens(vocab);
  std::vector<llama_token> ids;
  for (int i = 3; i < argc; ++i) ids.push_back(std::atoi(argv[i]));
  for (int i = 0, left = std::atoi(argv[2]); i < left; ++i) {
    if (llama_decode(context, llama_batch_get_one(ids.data(), static_cast<int>(ids.size()))) != 0)
      return 1;
    const float* logits = llama_get_logits_ith(context, -1);
    llama_token best = -1;
    for (llama_token id = 0; id < vocabulary; ++id) {
      if (!llama_vocab_is_eog(vocab, id) && (best < 0 || logits[id] > logits[best])) best = id;
    }
    std::printf("%s%d", i == 0 ? "" : " ", best);
    ids.assign(1, best);
  }
  std::printf("\n");
  llama_free(context);
  llama_model_free(model);
  return 0;
}

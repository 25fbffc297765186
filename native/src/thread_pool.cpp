#include "thread_pool.h"

#include <chrono>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace bc {
namespace {

constexpr uint64_t kOpen = uint64_t{1} << 15;
constexpr uint64_t kInside = kOpen - 1;

// Ops of a decode step follow each other within microseconds; past this a worker sleeps.
constexpr std::chrono::microseconds kSpin{200};

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  workers_.reserve(static_cast<size_t>(threads > 1 ? threads - 1 : 0));
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { serve(i); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_.store(true);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(const Job& job) {
  job_ = job;
  next_.store(0, std::memory_order_relaxed);
  const uint64_t number = (state_.load(std::memory_order_relaxed) >> 16) + 1;
  state_.store(number << 16 | kOpen);
  if (sleepers_.load() > 0) {
    std::lock_guard<std::mutex> lock(mutex_);
    wake_.notify_all();
  }
  work(0);
  state_.fetch_and(~kOpen);
  for (int i = 0; (state_.load(std::memory_order_acquire) & kInside) != 0; ++i) {
    if (i < 10000) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
}

void ThreadPool::work(int worker) {
  const Job job = job_;
  for (;;) {
    const int64_t begin = next_.fetch_add(job.grain, std::memory_order_relaxed);
    if (begin >= job.n) return;
    job.call(job.body, begin, begin + job.grain < job.n ? begin + job.grain : job.n, worker);
  }
}

void ThreadPool::serve(int worker) {
  uint64_t done = 0;  // number of the last job this worker was part of
  while (!stop_.load(std::memory_order_relaxed)) {
    uint64_t state = state_.load(std::memory_order_acquire);
    if ((state & kOpen) != 0 && state >> 16 != done) {
      if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) continue;
      done = state >> 16;
      work(worker);
      state_.fetch_sub(1, std::memory_order_release);
      continue;
    }
    const auto waits = [&] {
      const uint64_t now = state_.load(std::memory_order_acquire);
      return !stop_.load(std::memory_order_relaxed) && ((now & kOpen) == 0 || now >> 16 == done);
    };
    const auto deadline = std::chrono::steady_clock::now() + kSpin;
    bool idle = true;
    while (idle && std::chrono::steady_clock::now() < deadline) {
      for (int i = 0; i < 64 && (idle = waits()); ++i) pause();
    }
    if (!idle) continue;
    std::unique_lock<std::mutex> lock(mutex_);
    sleepers_.fetch_add(1);
    wake_.wait(lock, [&] { return !waits(); });
    sleepers_.fetch_sub(1);
  }
}

}  // namespace bc

// Cores and memory, from what Linux reports; on other systems from the standard library.
#include "system.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <thread>

namespace bc {
namespace {

bool read_number(const std::string& path, int64_t* value) {
  std::ifstream in(path);
  return static_cast<bool>(in >> *value);
}

// The cgroup's quota in cores, rounded up; 0 if there is no quota.
int quota_cores() {
  std::ifstream in("/sys/fs/cgroup/cpu.max");
  std::string quota;
  int64_t period = 0;
  if ((in >> quota >> period) && quota != "max" && period > 0) {
    return static_cast<int>((std::atoll(quota.c_str()) + period - 1) / period);
  }
  int64_t old_quota = 0;
  int64_t old_period = 0;
  if (read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &old_quota) && old_quota > 0 &&
      read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &old_period) && old_period > 0) {
    return static_cast<int>((old_quota + old_period - 1) / old_period);
  }
  return 0;
}

}  // namespace

std::vector<int> physical_cores() {
  std::vector<int> cores;
#ifdef __linux__
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    // Siblings of one core share its vector units: take each core once.
    std::set<std::string> distinct;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      std::ifstream in("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                       "/topology/thread_siblings_list");
      std::string siblings;
      if (!std::getline(in, siblings)) siblings = std::to_string(cpu);
      if (distinct.insert(siblings).second) cores.push_back(cpu);
    }
  }
#endif
  return cores;
}

int cpu_cores() {
  int cores = static_cast<int>(physical_cores().size());
  if (cores == 0) cores = static_cast<int>(std::thread::hardware_concurrency());
  const int quota = quota_cores();
  if (quota > 0) cores = std::min(cores, quota);
  return std::max(cores, 1);
}

void memory_info(int64_t* available, int64_t* total) {
  *total = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  *available = *total;
#ifdef __linux__
  std::ifstream in("/proc/meminfo");
  std::string line;
  while (std::getline(in, line)) {
    long long kib = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %lld kB", &kib) == 1) *available = kib * 1024;
  }
  int64_t limit = 0;
  int64_t current = 0;
  if (read_number("/sys/fs/cgroup/memory.max", &limit) &&
      read_number("/sys/fs/cgroup/memory.current", &current)) {
    *total = std::min(*total, limit);
    *available = std::min(*available, std::max<int64_t>(limit - current, 0));
  }
#endif
}

}  // namespace bc

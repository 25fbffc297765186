// What the machine gives this process: cores and memory.
#pragma once

#include <cstdint>
#include <vector>

namespace bc {

// Bytes of RAM that are available, and that exist; the cgroup's limit is taken into account.
void memory_info(int64_t* available, int64_t* total);

// How many physical cores this thread may use: at most as many as the cgroup's quota pays for.
int cpu_cores();

// A logical processor of each physical core that this thread may use.
std::vector<int> physical_cores();

}  // namespace bc

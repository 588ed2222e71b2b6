// Synthetic data sets to learn from when there is none at hand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headrace::cli {

struct TaxiOptions {
  std::string directory;  // made when missing
  int64_t rows = 10000;   // of all three files together
  uint64_t seed = 1;
};

struct WrittenFile {
  std::string path;
  int64_t rows = 0;
};

// Writes taxi-train.csv, taxi-valid.csv and taxi-test.csv (70, 15 and 15 % of the rows): New York taxi trips with the
// columns fare_amount,pickuplon,pickuplat,dropofflon,dropofflat,passengers,key and no header line. The same rows and
// seed give the same bytes, whatever the number of threads. Throws InvalidArgument, Unavailable when it can't write.
std::vector<WrittenFile> WriteTaxiFare(const TaxiOptions& options);

// One row with its line end, as a pure function of the seed and its number; `key` is the last column.
void AppendTaxiRow(uint64_t seed, int64_t number, int64_t key, std::string* out);

}  // namespace headrace::cli

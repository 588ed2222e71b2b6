// Taxi trips. Each trip is drawn from random numbers that depend on the seed and its number alone: where it starts and
// ends (hubs of the city, mixed with a spread of other places), how far and how fast it goes, and what the published
// tariff makes of that; then what real data has: tips of the meter, flat fares, GPS faults, missing fields.
#include "cli/sample_data.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/thread_pool.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

constexpr int64_t kBlockRows = 16384;

// A counter-based generator: the n-th number of a row is a hash (splitmix64's finaliser) of seed, row and n.
class RowRandom {
 public:
  RowRandom(uint64_t seed, int64_t row) : state_(Mix(Mix(seed + kGolden) + static_cast<uint64_t>(row) * kGolden)) {}

  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  bool Chance(double probability) { return Uniform() < probability; }

  // A standard normal number by the sum of four uniforms' halves (Irwin-Hall), near enough for a street corner.
  double Normal() {
    const uint64_t a = Next(), b = Next();
    const double sum = static_cast<double>((a & 0xFFFFFFFF) + (a >> 32) + (b & 0xFFFFFFFF) + (b >> 32));
    return (sum * 0x1.0p-32 - 2.0) * 1.7320508075688772;
  }

 private:
  static constexpr uint64_t kGolden = 0x9E3779B97F4A7C15ull;
  static uint64_t Mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  uint64_t Next() { return Mix(state_ += kGolden); }
  uint64_t state_;
};

struct Place {
  double lon, lat;
};

enum class Zone { kManhattan, kBorough, kJfk, kLaguardia, kNewark };

struct Hub {
  double lon, lat, spread;  // degrees
  double weight;            // share of the trips that start or end here
  Zone zone;
};

// Rough centres of where taxis are hailed and left.
constexpr std::array<Hub, 17> kHubs = {{
    {-73.9855, 40.7580, 0.0050, 0.150, Zone::kManhattan},  // Times Square
    {-73.9772, 40.7527, 0.0045, 0.125, Zone::kManhattan},  // Grand Central
    {-73.9935, 40.7506, 0.0040, 0.095, Zone::kManhattan},  // Penn Station
    {-73.9900, 40.7359, 0.0050, 0.100, Zone::kManhattan},  // Union Square
    {-74.0027, 40.7335, 0.0055, 0.080, Zone::kManhattan},  // Greenwich Village
    {-73.9840, 40.7265, 0.0050, 0.065, Zone::kManhattan},  // East Village
    {-74.0113, 40.7075, 0.0045, 0.050, Zone::kManhattan},  // Wall Street
    {-74.0060, 40.7195, 0.0050, 0.045, Zone::kManhattan},  // Tribeca
    {-73.9566, 40.7736, 0.0075, 0.110, Zone::kManhattan},  // Upper East Side
    {-73.9754, 40.7870, 0.0075, 0.080, Zone::kManhattan},  // Upper West Side
    {-73.9465, 40.8116, 0.0080, 0.020, Zone::kManhattan},  // Harlem
    {-73.9571, 40.7081, 0.0110, 0.022, Zone::kBorough},    // Williamsburg
    {-73.9857, 40.6928, 0.0110, 0.020, Zone::kBorough},    // Downtown Brooklyn
    {-73.9235, 40.7614, 0.0120, 0.018, Zone::kBorough},    // Astoria
    {-73.7822, 40.6441, 0.0022, 0.026, Zone::kJfk},
    {-73.8723, 40.7743, 0.0020, 0.030, Zone::kLaguardia},
    {-74.1770, 40.6925, 0.0020, 0.002, Zone::kNewark},
}};

const Hub& DrawHub(RowRandom* random) {
  double left = random->Uniform() * 1.038;  // the weights' sum
  for (const Hub& hub : kHubs) {
    left -= hub.weight;
    if (left < 0) return hub;
  }
  return kHubs.front();
}

Place DrawPlace(const Hub& hub, RowRandom* random) {
  return {hub.lon + hub.spread * 1.2 * random->Normal(), hub.lat + hub.spread * random->Normal()};
}

// Street miles: Manhattan's grid lies 29 degrees off north, and cabs follow it.
double Miles(Place a, Place b) {
  constexpr double kMilesPerLat = 69.05, kMilesPerLon = 52.3, kCos = 0.8746, kSin = 0.4848;
  const double east = (b.lon - a.lon) * kMilesPerLon, north = (b.lat - a.lat) * kMilesPerLat;
  return std::abs(east * kCos - north * kSin) + std::abs(east * kSin + north * kCos);
}

// The tariff of the city's yellow cabs: 2.50 on entry, 0.50 for each fifth of a mile driven or minute waited, 0.50
// state tax, surcharges at night and in the rush hour, a flat fare between JFK and Manhattan, tolls.
double Fare(const Hub& from, const Hub& to, double miles, double hour, RowRandom* random) {
  const bool night = hour >= 20 || hour < 6, rush = hour >= 16 && hour < 20;
  const double waiting_share = night ? 0.10 : rush ? 0.38 : 0.28;
  const double minutes_waited = miles * 60.0 / 11.0 * waiting_share * (1 + 0.35 * random->Normal());
  const double units = std::floor(miles * 5.0) + std::floor(std::fmax(0.0, minutes_waited));
  double fare = 2.5 + 0.5 * units + (night ? 0.5 : rush ? 1.0 : 0.0);
  const bool jfk_trip = (from.zone == Zone::kJfk) != (to.zone == Zone::kJfk);
  if (jfk_trip && (from.zone == Zone::kManhattan || to.zone == Zone::kManhattan)) fare = random->Chance(0.6) ? 52 : 45;
  if (to.zone == Zone::kNewark) fare += 17.5;
  const bool crosses_river = (from.zone == Zone::kManhattan) != (to.zone == Zone::kManhattan);
  if (crosses_river && random->Chance(from.zone == Zone::kNewark || to.zone == Zone::kNewark ? 1.0 : 0.3)) fare += 5.33;
  return fare + (random->Chance(0.8) ? 0.5 : 0.0);
}

int DrawPassengers(RowRandom* random) {
  const double at = random->Uniform();
  return at < 0.69 ? 1 : at < 0.83 ? 2 : at < 0.875 ? 3 : at < 0.90 ? 4 : at < 0.975 ? 5 : 6;
}

char* PutInteger(int64_t value, char* out) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
  } while (value /= 10);
  while (count > 0) *out++ = digits[--count];
  return out;
}

// `value` with exactly `decimals` places.
char* PutFixed(double value, int decimals, char* out) {
  constexpr int64_t kPowers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
  if (value < 0) *out++ = '-';
  const int64_t scaled = std::llround(std::abs(value) * static_cast<double>(kPowers[decimals]));
  out = PutInteger(scaled / kPowers[decimals], out);
  *out++ = '.';
  int64_t fraction = scaled % kPowers[decimals];
  for (int i = decimals - 1; i >= 0; --i, fraction /= 10) out[i] = static_cast<char>('0' + fraction % 10);
  return out + decimals;
}

char* PutRow(uint64_t seed, int64_t number, int64_t key, char* out) {
  RowRandom random(seed, number);
  const Hub& from = DrawHub(&random);
  const Hub& to = DrawHub(&random);
  Place pickup = DrawPlace(from, &random), dropoff = DrawPlace(to, &random);
  const double hour = 24 * random.Uniform();
  const double miles = Miles(pickup, dropoff) * std::fmax(0.8, 1.0 + 0.12 * random.Normal());
  double fare = Fare(from, to, miles, hour, &random);
  const int passengers = DrawPassengers(&random);
  const double oddity = random.Uniform();
  int missing = -1;  // the column left empty
  if (oddity < 0.004) {
    fare = 2.5 + 0.1 * std::floor(1200 * random.Uniform());  // a negotiated fare, or a meter left running
  } else if (oddity < 0.008) {
    dropoff = pickup;  // the ride was called off
    fare = 2.5;
  } else if (oddity < 0.012) {
    dropoff.lat += 0.15 * random.Normal();  // the GPS lost its way
    dropoff.lon += 0.15 * random.Normal();
  } else if (oddity < 0.014) {
    missing = 5;
  } else if (oddity < 0.0145) {
    missing = 1 + static_cast<int>(4 * random.Uniform());
  }
  out = PutFixed(fare, 2, out);
  const double coordinates[] = {pickup.lon, pickup.lat, dropoff.lon, dropoff.lat};
  for (int i = 0; i < 4; ++i) {
    *out++ = ',';
    if (missing != i + 1) out = PutFixed(coordinates[i], 6, out);
  }
  *out++ = ',';
  if (missing != 5) out = PutInteger(passengers, out);
  *out++ = ',';
  out = PutInteger(key, out);
  *out++ = '\n';
  return out;
}

constexpr size_t kMaxRowBytes = 128;

WrittenFile WriteRows(const std::string& path, uint64_t seed, int64_t first, int64_t rows) {
  const std::string part = path + ".part";
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(part.c_str(), "wb"), std::fclose);
  if (!file) throw Unavailable("cannot write ", part, ": ", std::strerror(errno));
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  ThreadPool& pool = ThreadPool::Compute();
  const int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
  const int64_t wave = std::min(blocks, int64_t{4} * (pool.size() + 1));
  std::vector<std::unique_ptr<char[]>> buffers(wave);
  std::vector<size_t> sizes(wave);
  for (int64_t start = 0; start < blocks; start += wave) {
    const int64_t count = std::min(wave, blocks - start);
    pool.ParallelFor(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if (!buffers[i]) buffers[i].reset(new char[kBlockRows * kMaxRowBytes]);
        char* out = buffers[i].get();
        const int64_t row_end = std::min(rows, (start + i + 1) * kBlockRows);
        for (int64_t row = (start + i) * kBlockRows; row < row_end; ++row) out = PutRow(seed, first + row, row, out);
        sizes[i] = out - buffers[i].get();
      }
    });
    for (int64_t i = 0; i < count; ++i) {
      if (std::fwrite(buffers[i].get(), 1, sizes[i], file.get()) != sizes[i]) {
        throw Unavailable("cannot write ", part, ": ", std::strerror(errno));
      }
    }
  }
  file.reset();
  std::filesystem::rename(part, path);
  return {path, rows};
}

}  // namespace

void AppendTaxiRow(uint64_t seed, int64_t number, int64_t key, std::string* out) {
  char row[kMaxRowBytes];
  out->append(row, PutRow(seed, number, key, row));
}

std::vector<WrittenFile> WriteTaxiFare(const TaxiOptions& options) {
  if (options.rows < 3) throw InvalidArgument("expected at least 3 rows, one a file, got ", options.rows);
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) throw Unavailable("cannot make the directory ", options.directory, ": ", error.message());
  const int64_t held_out = std::max<int64_t>(1, options.rows * 15 / 100);
  const int64_t train = options.rows - 2 * held_out;
  const std::string base = options.directory + "/taxi-";
  return {WriteRows(base + "train.csv", options.seed, 0, train),
          WriteRows(base + "valid.csv", options.seed, train, held_out),
          WriteRows(base + "test.csv", options.seed, train + held_out, held_out)};
}

}  // namespace headrace::cli

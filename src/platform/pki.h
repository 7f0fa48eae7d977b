// Keys and certificates of this platform: its own CA, the API's certificate, the administrator's, and the key that
// signs service account tokens. Made once, kept under <data>/pki with mode 0600.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace platform {

struct Pki {
    std::string ca_certificate, ca_key;
    std::string server_certificate, server_key;
    std::string admin_certificate, admin_key;
    std::string account_key;  ///< EC P-256, PEM
};

/// Reads what is there and makes what is missing; the server's certificate is made anew when `names` (DNS names and
/// IPv4 addresses) are not all in it or it ends within 30 days.
base::Result<Pki> load_pki(const std::filesystem::path& folder, const std::vector<std::string>& names, base::Time now);

/// A kubeconfig for the administrator, everything embedded.
std::string kubeconfig(const Pki& pki, const std::string& server, const std::string& name);

/// Writes a file with that mode, whole or not at all (rename).
base::Result<void> write_file(const std::filesystem::path& file, std::string_view content, int mode);
base::Result<std::string> read_file(const std::filesystem::path& file);

}  // namespace platform

// Webhooks: what became of payments that were pending, told to who asked for them. Written in the transaction of the
// change, sent signed (Slipway-Signature) until they are taken.
#pragma once

#include <string>

#include "kit/db/due_work.h"
#include "kit/db/statements.h"
#include "kit/fault.h"
#include "kit/web/peer.h"
#include "payments/payment.h"

namespace payments {

struct WebhookOptions {
    std::string path = "/webhooks/payments";
    std::string secret;
    run::Duration lease = std::chrono::seconds(15);
};

class Webhooks {
 public:
    static kit::db::Migration migration(int version);
    /// `receiver` null: there is nobody to tell, and what is written counts as told.
    Webhooks(kit::db::Database& database, run::Loop& loop, kit::Log& log, kit::Peer* receiver, WebhookOptions options,
             kit::FaultSites& faults);

    static kit::db::Statement telling(const std::string& id, const Payment& payment, run::Time now);
    void wake() { work_.wake(); }
    /// Those that were taken and are older.
    void forget(run::Duration age);

 private:
    void send(const std::string& id, kit::db::Done done);
    void post(const std::string& id, const std::string& body, kit::db::Done done);
    void mark(const std::string& id, kit::db::Done done);

    kit::db::Database& database_;
    run::Loop& loop_;
    kit::Peer* receiver_;
    WebhookOptions options_;
    kit::FaultSites& faults_;
    kit::db::DueWork work_;
};

}  // namespace payments

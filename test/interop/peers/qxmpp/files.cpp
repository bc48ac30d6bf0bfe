// Logs in with QXmpp, and sends and receives files (XEP-0096) over SOCKS5 bytestreams, or in band.
//
// Usage: files JID HOST PORT FOLDER [ibb], the password in the environment variable PASSWORD. With `ibb` it knows no other
// method than in-band bytestreams (XEP-0047).
//
// Each line of the standard input is a file to send, as JSON: {"to": full JID, "file": path}; its end logs out. Each line
// of the standard output is a fact: {"event": "online", "jid", "version"}, {"event": "sent", "file"}, {"event": "received",
// "file", "from"}, {"event": "failed", "reason"}. What comes is stored in FOLDER.

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSocketNotifier>
#include <QXmppClient.h>
#include <QXmppDiscoveryIq.h>
#include <QXmppDiscoveryManager.h>
#include <QXmppGlobal.h>
#include <QXmppTransferManager.h>
#include <cstdio>
#include <unistd.h>

namespace {

void tell(const QString &event, QJsonObject facts = {}) {
  facts["event"] = event;
  std::puts(QJsonDocument(facts).toJson(QJsonDocument::Compact).constData());
  std::fflush(stdout);
}

QXmppConfiguration configurationOf(const QStringList &arguments) {
  QXmppConfiguration configuration;
  configuration.setJid(arguments[1]);
  configuration.setHost(arguments[2]);
  configuration.setPort(arguments[3].toInt());
  configuration.setPassword(qEnvironmentVariable("PASSWORD"));
  configuration.setStreamSecurityMode(QXmppConfiguration::TLSDisabled);
  configuration.setAutoReconnectionEnabled(false);
  return configuration;
}

void tellOnline(QXmppClient &client) {
  tell("online", {{"jid", client.configuration().jid()}, {"version", QString(QXmppVersion())}});
}

// QXmpp leaves it to the application to find a proxy: among the items of the server, the one with the identity.
void findProxy(QXmppClient &client, QXmppTransferManager &transfers) {
  auto *discovery = client.findExtension<QXmppDiscoveryManager>();
  QObject::connect(discovery, &QXmppDiscoveryManager::itemsReceived, [discovery](const QXmppDiscoveryIq &answer) {
    for (const auto &item : answer.items()) discovery->requestInfo(item.jid());
  });
  QObject::connect(discovery, &QXmppDiscoveryManager::infoReceived, [&](const QXmppDiscoveryIq &answer) {
    for (const auto &identity : answer.identities()) {
      if (identity.category() != "proxy" || identity.type() != "bytestreams") continue;
      transfers.setProxy(answer.from());
      tellOnline(client);
    }
  });
  QObject::connect(&client, &QXmppClient::connected, [&client, discovery] {
    discovery->requestItems(client.configuration().domain());
  });
}

void follow(QXmppTransferJob *job, const QString &event, const QJsonObject &facts) {
  QObject::connect(job, &QXmppTransferJob::finished, [=] {
    if (job->error() == QXmppTransferJob::NoError) tell(event, facts);
    else tell("failed", {{"reason", QString("error %1 of the transfer").arg(job->error())}});
    job->deleteLater();
  });
}

void obey(QXmppTransferManager &transfers, const QByteArray &line) {
  const auto order = QJsonDocument::fromJson(line).object();
  const auto file = order["file"].toString();
  follow(transfers.sendFile(order["to"].toString(), file), "sent", {{"file", file}});
}

} // namespace

int main(int count, char **values) {
  QCoreApplication application(count, values);
  const auto arguments = application.arguments();
  if (arguments.size() < 5 || arguments.size() > 6) return 2;

  QXmppClient client;
  QXmppTransferManager transfers;
  client.addExtension(&transfers);
  if (arguments.value(5) == "ibb") {
    transfers.setSupportedMethods(QXmppTransferJob::InBandMethod);
    QObject::connect(&client, &QXmppClient::connected, [&client] { tellOnline(client); });
  } else findProxy(client, transfers);
  QObject::connect(&client, &QXmppClient::error, [](QXmppClient::Error error) {
    tell("failed", {{"reason", QString("error %1 of the client").arg(error)}});
  });
  QObject::connect(&client, &QXmppClient::disconnected, &application, &QCoreApplication::quit);
  QObject::connect(&transfers, &QXmppTransferManager::fileReceived, [&](QXmppTransferJob *job) {
    const auto path = QDir(arguments[4]).filePath(QFileInfo(job->fileInfo().name()).fileName());
    follow(job, "received", {{"file", path}, {"from", job->jid()}});
    job->accept(path);
  });

  QByteArray input;
  QSocketNotifier notifier(STDIN_FILENO, QSocketNotifier::Read);
  QObject::connect(&notifier, &QSocketNotifier::activated, [&] {
    char octets[4096];
    const auto read = ::read(STDIN_FILENO, octets, sizeof octets);
    if (read <= 0) {
      notifier.setEnabled(false);
      client.disconnectFromServer();
      return;
    }
    input.append(octets, static_cast<int>(read));
    for (int end; (end = input.indexOf('\n')) >= 0; input.remove(0, end + 1)) obey(transfers, input.left(end));
  });

  client.connectToServer(configurationOf(arguments));
  return application.exec();
}

//! The intents of a scenario file, checked.

use toml::Spanned;

use crate::scenario::check::Check;
use crate::scenario::file::IntentTable;
use crate::scenario::{Intent, Party, Reach};

impl Check<'_> {
    pub(crate) fn intent(&mut self, table: &IntentTable) -> Option<Intent> {
        let from = self.party(&table.from);
        let to = self.party(&table.to);
        let reach = match table.expect.get_ref().as_str() {
            "allow" => Some(Reach::Allow),
            "deny" => Some(Reach::Deny),
            other => {
                let message = format!("'{other}' is no intent");
                self.error_with_help(table.expect.span(), message, "allow or deny");
                None
            }
        };
        let (from, to) = (from?, to?);
        if from == to && matches!(from, Party::Guest(_)) {
            self.error(
                table.to.span(),
                "a guest does not reach itself over a network",
            );
        }
        Some(Intent {
            from,
            to,
            reach: reach?,
            place: self.place(&table.from.span()),
        })
    }

    /// A guest's adapter, or a tenant. A name of both is refused: it could mean either.
    fn party(&mut self, written: &Spanned<String>) -> Option<Party> {
        let names = self.names;
        let tenant = names.tenants.places(written.get_ref()).first().copied();
        let is_guest = !names.guests.places(written.get_ref()).is_empty();
        match tenant {
            Some(_) if is_guest => {
                let message = format!("'{}' is a tenant and a guest", written.get_ref());
                let help = "name the guest's adapter, as in guest/nic, or rename one of them";
                self.error_with_help(written.span(), message, help);
                None
            }
            Some(tenant) => Some(Party::Tenant(tenant)),
            None if is_guest || written.get_ref().contains('/') => {
                self.find_port(written).map(Party::Guest)
            }
            None => {
                let known = names.guests.all().iter().chain(names.tenants.all());
                let mut known: Vec<_> = known.map(|name| name.get_ref().as_str()).collect();
                known.dedup();
                let message = format!("no guest or tenant is called '{}'", written.get_ref());
                self.error_with_help(
                    written.span(),
                    message,
                    format!("there is {}", known.join(", ")),
                );
                None
            }
        }
    }
}

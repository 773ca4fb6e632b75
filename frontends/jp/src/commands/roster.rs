//! `jp roster`: contacts.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    json::{is_true, list, text, words},
    session::Session,
    table::Table,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Roster {
    /// List the contacts
    List,
    /// Add a contact; `jp presence subscribe` asks to see its presence
    Add {
        /// Bare JID
        jid: String,
        /// What you call them
        #[arg(long)]
        name: Option<String>,
        /// A group; may be given again
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// Remove a contact, and end the subscriptions both ways
    Remove {
        /// Bare JID
        jid: String,
    },
    /// Change the name or the groups of a contact
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
    Update {
        /// Bare JID
        jid: String,
        /// What you call them
        #[arg(long, group = "change")]
        name: Option<String>,
        /// A group, instead of all that there were; may be given again
        #[arg(long = "group", value_name = "GROUP", group = "change")]
        groups: Vec<String>,
        /// Empty a field: name or groups
        #[arg(long, value_name = "FIELD", group = "change", value_parser = ["name", "groups"])]
        clear: Vec<String>,
    },
}

pub(crate) async fn run(session: &mut Session, command: Roster) -> Result<(), Failure> {
    match command {
        Roster::List => {
            let result = session.call_profile("roster.list", json!({})).await?;
            session.out.result(&result, |out, result| {
                out.table(&contacts(result), "There is no contact")
            })
        }
        Roster::Add { jid, name, groups } => {
            let parameters = json!({"jid": jid, "name": name, "groups": groups});
            let result = session.call_profile("roster.add", parameters).await?;
            session.out.done(&result, &format!("{jid} is added"))
        }
        Roster::Remove { jid } => {
            let result = session
                .call_profile("roster.remove", json!({"jid": jid}))
                .await?;
            session.out.done(&result, &format!("{jid} is removed"))
        }
        Roster::Update {
            jid,
            name,
            groups,
            clear,
        } => {
            let groups = Some(groups).filter(|groups| !groups.is_empty());
            let parameters = json!({"jid": jid, "name": name, "groups": groups, "clear": clear});
            let result = session.call_profile("roster.update", parameters).await?;
            session.out.done(&result, &format!("{jid} is changed"))
        }
    }
}

fn contacts(contacts: &Value) -> Table {
    let mut table = Table::new(&["JID", "NAME", "GROUPS", "SUBSCRIPTION"]);
    for contact in list(contacts) {
        let mut subscription = text(contact, "subscription");
        if is_true(contact, "pending_out") {
            subscription.push_str(", asked");
        }
        if is_true(contact, "approved") {
            subscription.push_str(", approved");
        }
        table.row([
            text(contact, "jid"),
            text(contact, "name"),
            words(contact, "groups"),
            subscription,
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_in_one_row() {
        let all = json!([{
            "jid": "romeo@montague.lit", "name": "Ro\u{1b}[2Jmeo", "groups": ["A", "B"],
            "subscription": "from", "pending_out": true, "approved": false,
        }]);
        let lines = contacts(&all).lines();
        assert_eq!(
            lines[1],
            "romeo@montague.lit  Ro\\u{1b}[2Jmeo  A, B    from, asked"
        );
    }
}

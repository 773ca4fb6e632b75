use super::*;

/// XEP-0004, example 2.
const BOT: &str = "<x xmlns='jabber:x:data' type='form'>
  <title>Bot Configuration</title>
  <instructions>Fill out this form to configure your new bot!</instructions>
  <field type='hidden' var='FORM_TYPE'><value>jabber:bot</value></field>
  <field type='fixed'><value>Section 1: Bot Info</value></field>
  <field type='text-single' label='The name of your bot' var='botname'/>
  <field type='text-multi' label='Helpful description of your bot' var='description'/>
  <field type='boolean' label='Public bot?' var='public'><required/></field>
  <field type='text-private' label='Password for special access' var='password'/>
  <field type='list-multi' label='What features will the bot support?' var='features'>
    <option label='Contests'><value>contests</value></option>
    <option label='News'><value>news</value></option>
    <option><value>polls</value></option>
    <value>news</value>
    <value>search</value>
  </field>
  <field type='jid-multi' label='People to invite' var='invitelist'>
    <desc>Tell all your friends about your new bot!</desc>
  </field>
</x>";

#[test]
fn reads_a_form_to_fill_in() {
    let form = Form::parse(BOT).unwrap();
    assert_eq!(
        (form.kind, form.title.as_deref()),
        (Kind::Form, Some("Bot Configuration"))
    );
    assert_eq!(form.instructions.len(), 1);
    assert_eq!(form.form_type(), Some("jabber:bot"));
    assert_eq!(form.fields.len(), 8);
    assert_eq!(form.missing(), ["public"]);
    let features = &form.fields[6];
    assert_eq!(features.kind, Some(FieldKind::ListMulti));
    assert_eq!(features.values, ["news", "search"]);
    let label = Some("News".to_owned());
    assert_eq!(
        features.options[1],
        Choice {
            label,
            value: "news".into()
        }
    );
    assert_eq!(features.options[2].label, None);
    let invite = &form.fields[7];
    assert_eq!(
        invite.desc.as_deref(),
        Some("Tell all your friends about your new bot!")
    );
}

/// Example 3 answers example 2.
#[test]
fn fills_a_form_in() {
    let mut answer = Form::parse(BOT).unwrap().answer();
    answer.set("botname", "The Jabber Google Bot");
    answer.set("public", false);
    answer.set(
        "invitelist",
        ["juliet@capulet.com", "benvolio@montague.net"],
    );
    let read = Form::parse(&answer.to_string()).unwrap();
    assert_eq!(read, answer);
    assert_eq!(
        (read.kind, read.form_type()),
        (Kind::Submit, Some("jabber:bot"))
    );
    assert_eq!(read.is_set("public"), Some(false));
    assert_eq!(read.value("botname"), Some("The Jabber Google Bot"));
    assert_eq!(read.values("features"), ["news", "search"]);
    assert_eq!(read.values("invitelist").len(), 2);
    // The texts between the fields are not sent back.
    assert!(read.fields.iter().all(|f| f.kind != Some(FieldKind::Fixed)));
}

#[test]
fn writes_what_it_reads() {
    let form = Form::parse(BOT).unwrap();
    assert_eq!(Form::parse(&form.to_string()).unwrap(), form);
}

/// Example 8.
#[test]
fn reads_and_writes_a_table() {
    let text = "<x xmlns='jabber:x:data' type='result'><title>Joogle Search: verona</title>\
        <reported><field var='name'/><field var='url'/></reported>\
        <item><field var='name'><value>Comune di Verona</value></field>\
        <field var='url'><value>http://www.comune.verona.it/</value></field></item>\
        <item><field var='name'><value>benvenuto!</value></field>\
        <field var='url'><value>http://www.hellasverona.it/</value></field></item></x>";
    let form = Form::parse(text).unwrap();
    assert_eq!(form.reported.len(), 2);
    assert_eq!(form.items.len(), 2);
    assert_eq!(form.items[1][0].values, ["benvenuto!"]);
    assert_eq!((form.form_type(), form.fields.len()), (None, 0));
    assert_eq!(form.to_string(), text);
}

#[test]
fn writes_a_question() {
    let none: Option<&str> = None;
    let form = Form::submit("urn:xmpp:mam:2")
        .with("with", Some("a<b@c"))
        .with("start", none)
        .with("before-count", 7u32);
    assert_eq!(
        form.to_string(),
        "<x xmlns='jabber:x:data' type='submit'>\
         <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>\
         <field var='with'><value>a&lt;b@c</value></field>\
         <field var='before-count'><value>7</value></field></x>"
    );
    assert_eq!(form.parsed::<u64>("before-count"), Some(7));
    assert_eq!(form.parsed::<u64>("with"), None);
}

/// XEP-0068 §3.
#[test]
fn only_a_hidden_type_counts() {
    let form = |kind: &str, field: &str| {
        let text = format!(
            "<x xmlns='jabber:x:data' type='{kind}'><field var='FORM_TYPE'{field}>\
             <value>t</value></field></x>"
        );
        Form::parse(&text).unwrap().form_type().map(str::to_owned)
    };
    for (kind, field, counts) in [
        ("form", " type='hidden'", true),
        ("result", " type='hidden'", true),
        ("submit", "", true),
        ("form", "", false),
        ("result", " type='text-single'", false),
        ("submit", " type='text-single'", false),
    ] {
        assert_eq!(form(kind, field).is_some(), counts, "{kind} {field}");
    }
}

/// XEP-0122, examples 1, 3 to 6.
#[test]
fn reads_what_fields_may_contain() {
    let validate = |inside: &str| {
        let text = format!(
            "<x xmlns='jabber:x:data' xmlns:v='http://jabber.org/protocol/xdata-validate' \
             type='form'><field var='a'>{inside}</field></x>"
        );
        Form::parse(&text).unwrap().fields.remove(0).validate
    };
    let ns = "xmlns='http://jabber.org/protocol/xdata-validate'";
    assert_eq!(validate(""), None);
    let plain = validate("<v:validate datatype='xs:dateTime'/>").unwrap();
    assert_eq!(
        (plain.datatype.as_str(), plain.method),
        ("xs:dateTime", Method::Basic)
    );
    let open = validate(&format!("<validate {ns}><open/></validate>")).unwrap();
    assert_eq!(
        (open.datatype.as_str(), open.method),
        ("xs:string", Method::Open)
    );
    let range = "<range min='2003-10-05T00:00:00-07:00' max='2003-10-24T23:59:59-07:00'/>";
    let range = validate(&format!(
        "<validate {ns} datatype='xs:dateTime'>{range}</validate>"
    ));
    let (min, max) = (
        "2003-10-05T00:00:00-07:00".into(),
        "2003-10-24T23:59:59-07:00".into(),
    );
    let expected = Method::Range {
        min: Some(min),
        max: Some(max),
    };
    assert_eq!(range.unwrap().method, expected);
    let regex = "([0-9]{3})-([0-9]{2})-([0-9]{4})";
    let found = validate(&format!("<validate {ns}><regex>{regex}</regex></validate>")).unwrap();
    assert_eq!(found.method, Method::Regex(regex.into()));
    let list = format!("<validate {ns}><basic/><list-range min='1' max='3'/></validate>");
    assert_eq!(validate(&list).unwrap().list_range, (Some(1), Some(3)));
}

#[test]
fn survives_bad_forms() {
    let bad = "<x xmlns='jabber:x:data' type='?'><field/><field type='odd' var='a'/>\
               <field type='list-single' var='b'><option/></field><reported/></x>";
    let form = Form::parse(bad).unwrap();
    assert_eq!(form.kind, Kind::Result);
    assert_eq!(form.fields.len(), 2);
    assert_eq!(form.fields[0].kind, Some(FieldKind::TextSingle));
    assert!(form.fields[1].options.is_empty());
    for none in ["", "<x/>", "<x xmlns='jabber:x:oob'/>"] {
        assert!(Form::parse(none).is_err(), "{none}");
    }
}

use super::*;

fn patterns(texts: &[&str]) -> Vec<HostPattern> {
    let parse = |text: &&str| HostPattern::try_from((*text).to_owned());
    texts.iter().map(parse).collect::<Result<_, _>>().unwrap()
}

#[test]
fn hosts_that_match() {
    let check = |hosts: &[&str], url: &str| {
        let hosts = patterns(hosts);
        let allow = Allow {
            hosts: &hosts,
            private: true,
        };
        let reach = allow.check(&Url::parse(url).unwrap());
        reach.ok().map(|reach| reach.private)
    };
    for (hosts, url, allowed) in [
        (["example.org"], "https://example.org/a", Some(true)),
        (["example.org"], "https://EXAMPLE.org.:8443/a", Some(true)),
        (["example.org"], "https://a.example.org/", None),
        (["example.org"], "https://badexample.org/", None),
        (["example.org"], "https://example.org.evil.net/", None),
        (["example.org"], "https://93.184.215.14/", None),
        (["*.example.org"], "https://a.example.org/", Some(false)),
        (["*.example.org"], "https://b.a.example.org/", Some(false)),
        (["*.example.org"], "https://example.org/", None),
        (["*.example.org"], "https://badexample.org/", None),
        (["*.example.org"], "https://.example.org/", None),
        (["*"], "https://example.org/", Some(false)),
        (["*"], "https://93.184.215.14/", Some(false)),
        (["*"], "https://[2606:2800:21f::1]/", Some(false)),
    ] {
        assert_eq!(check(&hosts, url), allowed, "{hosts:?} {url}");
    }
    // The name counts, wherever it stands beside the star.
    let both = ["*", "example.org"];
    assert_eq!(check(&both, "https://example.org/"), Some(true));
    assert_eq!(check(&both, "https://example.net/"), Some(false));
    assert_eq!(check(&[], "https://example.org/"), None);
}

const OPEN: &[&str] = &[
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2606:4700:4700::1111",
    "2a00::1",
    "3ffe::1",
    "64:ff9b::8.8.8.8",
];

const AT_HOME: &[&str] = &[
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.255.255",
    "::1",
    "fc00::1",
    "fdff:ffff::1",
];

const NEVER: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "169.254.0.1",
    "169.254.169.254",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::2",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
];

#[test]
fn addresses() {
    let admitted = |address: &&str, private| {
        let reach = Reach { private };
        reach.admits(address.parse().unwrap()).is_ok()
    };
    for (addresses, usually, privately) in [
        (OPEN, true, true),
        (AT_HOME, false, true),
        (NEVER, false, false),
    ] {
        for address in addresses {
            assert_eq!(admitted(address, false), usually, "{address}");
            assert_eq!(admitted(address, true), privately, "{address}, private");
        }
    }
}

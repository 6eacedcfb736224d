use super::*;

#[test]
fn addresses_are_judged_as_go_judges_them() {
    // Reasons are what `url.ParseRequestURI` and `url.Parse` of Go say, without what they quote.
    let cases = [
        ("", Err("empty url"), Ok(())),
        ("https://example.com/hook?a=b", Ok(()), Ok(())),
        ("https://user:pass@example.com:8443/hook", Ok(()), Ok(())),
        ("/rooted/path", Ok(()), Ok(())),
        ("*", Ok(()), Ok(())),
        ("mailto:someone", Ok(()), Ok(())),
        ("https://[::1]:8080/x", Ok(()), Ok(())),
        ("https://[fe80::1%25en0]:80/", Ok(()), Ok(())),
        ("postgres://a:1,b:2/x", Ok(()), Ok(())),
        (
            "http://::1",
            Err("invalid port after host"),
            Err("invalid port after host"),
        ),
        (
            "http://user[",
            Err("invalid IP-literal"),
            Err("invalid IP-literal"),
        ),
        ("http://[]", Err("invalid host"), Err("invalid host")),
        ("https://example.com:/x", Ok(()), Ok(())),
        ("example.com/hook", Err("invalid URI for request"), Ok(())),
        ("not a url", Err("invalid URI for request"), Ok(())),
        (
            ":foo",
            Err("missing protocol scheme"),
            Err("missing protocol scheme"),
        ),
        (
            "1a:b/c",
            Err("invalid URI for request"),
            Err("first path segment in URL cannot contain colon"),
        ),
        (
            "https://example.com:abc/x",
            Err("invalid port after host"),
            Err("invalid port after host"),
        ),
        (
            "https://exa mple.com/x",
            Err("invalid character in host name"),
            Err("invalid character in host name"),
        ),
        (
            "https://example.com/%zz",
            Err("invalid URL escape"),
            Err("invalid URL escape"),
        ),
        (
            "https://example.com/%e",
            Err("invalid URL escape"),
            Err("invalid URL escape"),
        ),
        ("https://example.com/?q=%zz", Ok(()), Ok(())),
        (
            "https://example.com/#%zz",
            Err("invalid URL escape"),
            Err("invalid URL escape"),
        ),
        (
            "https://exa%41mple.com/",
            Err("invalid URL escape"),
            Err("invalid URL escape"),
        ),
        (
            "https://us er@example.com/",
            Err("net/url: invalid userinfo"),
            Err("net/url: invalid userinfo"),
        ),
        (
            "https://[::1/x",
            Err("missing ']' in host"),
            Err("missing ']' in host"),
        ),
        (
            "https://example.com/\n",
            Err("net/url: invalid control character in URL"),
            Err("net/url: invalid control character in URL"),
        ),
    ];
    for (address, as_request, as_any) in cases {
        let said = |request| check(address, request).map_err(|reason| reason.to_string());
        assert_eq!(
            said(true),
            as_request.map_err(str::to_owned),
            "{address:?} of a request"
        );
        assert_eq!(said(false), as_any.map_err(str::to_owned), "{address:?}");
    }
}

#[test]
fn only_scheme_and_host_are_shown() {
    for (address, shown) in [
        ("", ""),
        (
            "https://hooks.slack.com/services/T0/B0/secret",
            "https://hooks.slack.com/*****",
        ),
        (
            "https://user:secret@example.com:8443",
            "https://example.com:8443",
        ),
        ("https://example.com/", "https://example.com/"),
        (
            "https://example.com?token=secret",
            "https://example.com/*****",
        ),
        (
            "https://secret@secret@example.com/x@y",
            "https://example.com/*****",
        ),
        ("secret", "*****"),
        ("/secret", "*****"),
        ("secret/x://example.com", "*****"),
    ] {
        assert_eq!(Masked::new(address).to_string(), shown, "{address}");
    }
}

#[test]
fn errors_are_introduced_as_by_the_provider() {
    let error = |style| {
        absolute("secret", "invalid X URL", style)
            .expect_err("relative")
            .to_string()
    };
    for (style, text) in [
        (
            Style::Quoted,
            r#"invalid X URL *****: 'parse "*****": invalid URI for request'"#,
        ),
        (
            Style::BothQuoted,
            r#"invalid X URL "*****": 'parse "*****": invalid URI for request'"#,
        ),
        (
            Style::AddressQuoted,
            r#"invalid X URL "*****": parse "*****": invalid URI for request"#,
        ),
        (
            Style::Plain,
            r#"invalid X URL *****: parse "*****": invalid URI for request"#,
        ),
        (Style::AddressOnly, "invalid X URL *****"),
        (
            Style::ReasonOnly,
            r#"invalid X URL: parse "*****": invalid URI for request"#,
        ),
    ] {
        assert_eq!(error(style), text);
    }
}

// Command nats is a NATS server that demands one kind of credentials.
//
// Its argument names the kind: open, password, nkey, creds, tls, or silent, whose user may not publish.
// It listens on a free loopback port, prints one line of JSON with the address and the credentials
// that it accepts, and serves until its standard input ends.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// access is what a client needs to be let in.
type access struct {
	URL      string `json:"url"`
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	NKey     string `json:"nkey,omitempty"`
	Creds    string `json:"creds,omitempty"`
	CA       string `json:"ca,omitempty"`
}

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: nats open|password|nkey|creds|silent|tls"))
	}
	if err := run(os.Args[1]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func run(kind string) error {
	options := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true}
	granted, err := demand(kind, options)
	if err != nil {
		return err
	}
	served, err := server.NewServer(options)
	if err != nil {
		return err
	}
	go served.Start()
	if !served.ReadyForConnections(30 * time.Second) {
		return fmt.Errorf("the server does not listen")
	}
	granted.URL = served.ClientURL()
	if err := json.NewEncoder(os.Stdout).Encode(granted); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	served.Shutdown()
	return err
}

// demand makes the options ask for credentials of the kind and returns those that they accept.
func demand(kind string, options *server.Options) (access, error) {
	switch kind {
	case "open":
		return access{}, nil
	case "password":
		options.Username, options.Password = "flux", "s3cret"
		return access{Username: "flux", Password: "s3cret"}, nil
	case "silent":
		options.Users = []*server.User{{Username: "flux", Password: "s3cret", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Deny: []string{">"}},
		}}}
		return access{Username: "flux", Password: "s3cret"}, nil
	case "nkey":
		user, err := nkeys.CreateUser()
		if err != nil {
			return access{}, err
		}
		public, seed, err := encoded(user)
		if err != nil {
			return access{}, err
		}
		options.Nkeys = []*server.NkeyUser{{Nkey: public}}
		return access{NKey: seed}, nil
	case "creds":
		return demandToken(options)
	case "tls":
		return demandTLS(options)
	default:
		return access{}, fmt.Errorf("unknown kind %q", kind)
	}
}

// demandToken makes the options trust one operator, who vouches for one account with one user.
func demandToken(options *server.Options) (access, error) {
	operator, err := nkeys.CreateOperator()
	if err != nil {
		return access{}, err
	}
	account, err := nkeys.CreateAccount()
	if err != nil {
		return access{}, err
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		return access{}, err
	}
	operatorKey, err := operator.PublicKey()
	if err != nil {
		return access{}, err
	}
	accountKey, err := account.PublicKey()
	if err != nil {
		return access{}, err
	}
	userKey, seed, err := encoded(user)
	if err != nil {
		return access{}, err
	}
	accountToken, err := jwt.NewAccountClaims(accountKey).Encode(operator)
	if err != nil {
		return access{}, err
	}
	userToken, err := jwt.NewUserClaims(userKey).Encode(account)
	if err != nil {
		return access{}, err
	}
	resolver := &server.MemAccResolver{}
	if err := resolver.Store(accountKey, accountToken); err != nil {
		return access{}, err
	}
	creds, err := jwt.FormatUserConfig(userToken, []byte(seed))
	if err != nil {
		return access{}, err
	}
	options.TrustedKeys = []string{operatorKey}
	options.AccountResolver = resolver
	return access{Creds: string(creds)}, nil
}

// demandTLS makes the options speak with a new certificate, which is its own authority.
func demandTLS(options *server.Options) (access, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return access{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return access{}, err
	}
	options.TLS = true
	options.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{
		Certificate: [][]byte{certificate},
		PrivateKey:  key,
	}}}
	block := &pem.Block{Type: "CERTIFICATE", Bytes: certificate}
	return access{CA: string(pem.EncodeToMemory(block))}, nil
}

func encoded(key nkeys.KeyPair) (public, seed string, err error) {
	if public, err = key.PublicKey(); err != nil {
		return "", "", err
	}
	secret, err := key.Seed()
	return public, string(secret), err
}

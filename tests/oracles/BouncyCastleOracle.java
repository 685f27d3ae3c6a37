import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.FileReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Hashtable;
import java.util.List;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1Set;
import org.bouncycastle.asn1.ASN1TaggedObject;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.SignedData;
import org.bouncycastle.asn1.ess.ESSCertIDv2;
import org.bouncycastle.asn1.ess.SigningCertificateV2;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.IssuerSerial;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.DefaultSignedAttributeTableGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationStore;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TimeStampToken;

/**
 * Bouncy Castle as an oracle: signs, or verifies a signature against the certificate inside it.
 *
 * <pre>
 * BouncyCastleOracle sign KEY CERT OUT CONTENT ALGORITHM [detached] [cades] [der] [keyid]
 * BouncyCastleOracle countersign KEY CERT OUT SIGNATURE ALGORITHM
 * BouncyCastleOracle verify CERT SIGNATURE [CONTENT]
 * </pre>
 *
 * <p>{@code verify} prints further {@code ARCHIVE}, its time, and how many certificates, members of {@code crls} and unsigned attribute
 * values it is over, for each archive-time-stamp-v3 (EN 319 122-1, 5.5), whose imprint and index are computed anew.
 *
 * <p>{@code sign} writes what {@code CMSSignedDataGenerator} gives by default: BER, and no signing-certificate attribute unless
 * {@code cades} is asked for. {@code countersign} puts a counter-signature on the first signer. {@code verify} prints {@code VALID} and
 * the times of the time-stamps, or {@code INVALID} and the reason; CERT is the certificate the
 * signer must have, and a signing-certificate-v2 attribute must be there and name it. Paths are not Bouncy Castle's part here.
 */
public class BouncyCastleOracle {
    private static final ASN1ObjectIdentifier ARCHIVE = new ASN1ObjectIdentifier("0.4.0.1733.2.4");
    private static final ASN1ObjectIdentifier INDEX = new ASN1ObjectIdentifier("0.4.0.19122.1.5");

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        List<String> rest = Arrays.asList(arguments).subList(1, arguments.length);
        switch (arguments[0]) {
            case "sign" -> sign(rest);
            case "countersign" -> countersign(rest);
            case "verify" -> {
                String fault;
                var times = new StringBuilder();
                try {
                    fault = verify(rest, times);
                } catch (Exception exception) {
                    fault = exception.toString();
                }
                System.out.println(fault == null ? "VALID" + times : "INVALID " + fault);
            }
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void sign(List<String> arguments) throws Exception {
        PrivateKey key = key(arguments.get(0));
        X509Certificate certificate = certificate(arguments.get(1));
        List<String> options = arguments.subList(5, arguments.size());
        var builder = new JcaSignerInfoGeneratorBuilder(
            new JcaDigestCalculatorProviderBuilder().setProvider("BC").build());
        if (options.contains("cades")) {
            var attributes = new Hashtable<ASN1ObjectIdentifier, Attribute>();
            attributes.put(PKCSObjectIdentifiers.id_aa_signingCertificateV2, signingCertificate(certificate));
            builder.setSignedAttributeGenerator(new DefaultSignedAttributeTableGenerator(new AttributeTable(attributes)));
        }
        var signer = new JcaContentSignerBuilder(arguments.get(4)).setProvider("BC").build(key);
        var generator = new CMSSignedDataGenerator();
        if (options.contains("keyid")) {
            byte[] identifier = org.bouncycastle.asn1.x509.SubjectKeyIdentifier
                .fromExtensions(new JcaX509CertificateHolder(certificate).getExtensions()).getKeyIdentifier();
            generator.addSignerInfoGenerator(builder.build(signer, identifier));
        } else {
            generator.addSignerInfoGenerator(builder.build(signer, certificate));
        }
        generator.addCertificates(new JcaCertStore(List.of(certificate)));
        byte[] content = Files.readAllBytes(Path.of(arguments.get(3)));
        CMSSignedData message = generator.generate(new CMSProcessableByteArray(content), !options.contains("detached"));
        byte[] encoded = options.contains("der")
            ? message.toASN1Structure().getEncoded("DER") : message.getEncoded();
        Files.write(Path.of(arguments.get(2)), encoded);
    }

    private static void countersign(List<String> arguments) throws Exception {
        var message = new CMSSignedData(Files.readAllBytes(Path.of(arguments.get(3))));
        SignerInformation signed = message.getSignerInfos().getSigners().iterator().next();
        var builder = new JcaSignerInfoGeneratorBuilder(
            new JcaDigestCalculatorProviderBuilder().setProvider("BC").build());
        var signer = new JcaContentSignerBuilder(arguments.get(4)).setProvider("BC").build(key(arguments.get(0)));
        var generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(builder.build(signer, certificate(arguments.get(1))));
        SignerInformationStore countersigners = generator.generateCounterSigners(signed);
        SignerInformation both = SignerInformation.addCounterSigners(signed, countersigners);
        message = CMSSignedData.replaceSigners(message, new SignerInformationStore(List.of(both)));
        Files.write(Path.of(arguments.get(2)), message.getEncoded());
    }

    static Attribute signingCertificate(X509Certificate certificate) throws Exception {
        var holder = new JcaX509CertificateHolder(certificate);
        var issuer = new IssuerSerial(new GeneralNames(new GeneralName(holder.getIssuer())), holder.getSerialNumber());
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
        var value = new SigningCertificateV2(new ESSCertIDv2(null, digest, issuer));
        return new Attribute(PKCSObjectIdentifiers.id_aa_signingCertificateV2, new DERSet(value));
    }

    /** The reason why the signature or a time-stamp on it is not valid, or null; the times of the time-stamps. */
    private static String verify(List<String> arguments, StringBuilder times) throws Exception {
        byte[] encoded = Files.readAllBytes(Path.of(arguments.get(1)));
        CMSSignedData message = arguments.size() > 2
            ? new CMSSignedData(new CMSProcessableByteArray(Files.readAllBytes(Path.of(arguments.get(2)))), encoded)
            : new CMSSignedData(encoded);
        var expected = new JcaX509CertificateHolder(certificate(arguments.get(0)));
        List<SignerInformation> signers = new ArrayList<>(message.getSignerInfos().getSigners());
        if (signers.isEmpty()) {
            return "no signer";
        }
        for (SignerInformation signer : signers) {
            @SuppressWarnings("unchecked")
            Collection<X509CertificateHolder> found = message.getCertificates().getMatches(signer.getSID());
            if (found.size() != 1 || !found.contains(expected)) {
                return "the signer's certificate is not the one expected";
            }
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(expected))) {
                return "the signature value does not verify";
            }
            Attribute attribute = signer.getSignedAttributes().get(PKCSObjectIdentifiers.id_aa_signingCertificateV2);
            if (attribute == null) {
                return "no signing-certificate-v2";
            }
            ESSCertIDv2 named = SigningCertificateV2.getInstance(attribute.getAttributeValues()[0]).getCerts()[0];
            String algorithm = named.getHashAlgorithm().getAlgorithm().getId();
            byte[] digest = MessageDigest.getInstance(algorithm, "BC").digest(expected.getEncoded());
            if (!Arrays.equals(digest, named.getCertHash())) {
                return "signing-certificate-v2 names another certificate";
            }
            IssuerSerial issuer = named.getIssuerSerial();
            if (issuer != null && !(issuer.getSerial().getValue().equals(expected.getSerialNumber())
                && issuer.getIssuer().getNames()[0].getName().equals(expected.getIssuer()))) {
                return "signing-certificate-v2 names another issuer or serial number";
            }
            for (Instant time : timeStamps(signer)) {
                times.append(' ').append(time);
            }
            archives(message, signer, times);
        }
        return null;
    }

    /** When each signature time-stamp was made; throws if one is not valid by the certificate in it, or is over something else. */
    private static List<Instant> timeStamps(SignerInformation signer) throws Exception {
        List<Instant> times = new ArrayList<>();
        AttributeTable unsigned = signer.getUnsignedAttributes();
        if (unsigned == null) {
            return times;
        }
        var attributes = unsigned.getAll(PKCSObjectIdentifiers.id_aa_signatureTimeStampToken);
        for (int index = 0; index < attributes.size(); index++) {
            for (ASN1Encodable value : Attribute.getInstance(attributes.get(index)).getAttributeValues()) {
                var token = token(value);
                String algorithm = token.getTimeStampInfo().getMessageImprintAlgOID().getId();
                byte[] imprint = MessageDigest.getInstance(algorithm, "BC").digest(signer.getSignature());
                if (!Arrays.equals(imprint, token.getTimeStampInfo().getMessageImprintDigest())) {
                    throw new IllegalStateException("a time-stamp is over something else");
                }
                times.add(token.getTimeStampInfo().getGenTime().toInstant());
            }
        }
        return times;
    }

    /** A token that is valid by the certificate in it. */
    private static TimeStampToken token(ASN1Encodable value) throws Exception {
        var token = new TimeStampToken(ContentInfo.getInstance(value));
        @SuppressWarnings("unchecked")
        Collection<X509CertificateHolder> found = token.getCertificates().getMatches(token.getSID());
        token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(found.iterator().next()));
        return token;
    }

    /** What the archive time-stamps are over; throws if one is over something else, or if its index names what is not there. */
    private static void archives(CMSSignedData message, SignerInformation signer, StringBuilder said) throws Exception {
        var data = SignedData.getInstance(message.toASN1Structure().getContent());
        ASN1Set unsigned = signer.toASN1Structure().getUnauthenticatedAttributes();
        var others = new ArrayList<byte[][]>();
        var archives = new ArrayList<ASN1Encodable>();
        for (int index = 0; unsigned != null && index < unsigned.size(); index++) {
            var attribute = Attribute.getInstance(unsigned.getObjectAt(index));
            for (ASN1Encodable value : attribute.getAttributeValues()) {
                if (attribute.getAttrType().equals(ARCHIVE)) {
                    archives.add(value);
                } else {
                    others.add(new byte[][] {der(attribute.getAttrType()), der(value)});
                }
            }
        }
        for (ASN1Encodable archive : archives) {
            TimeStampToken token = token(archive);
            ASN1Encodable[] values = token.getUnsignedAttributes().get(INDEX).getAttributeValues();
            var index = ASN1Sequence.getInstance(values[0]);
            String imprint = token.getTimeStampInfo().getMessageImprintAlgOID().getId();
            byte[] content = (byte[]) message.getSignedContent().getContent();
            var octets = new ByteArrayOutputStream();
            octets.write(der(data.getEncapContentInfo().getContentType()));
            octets.write(digest(imprint, content));
            for (ASN1Encodable field : (ASN1Sequence) signer.toASN1Structure().toASN1Primitive()) {
                if (!(field instanceof ASN1TaggedObject tagged && tagged.getTagNo() == 1)) {
                    octets.write(der(field));
                }
            }
            octets.write(der(index));
            if (!Arrays.equals(digest(imprint, octets.toByteArray()), token.getTimeStampInfo().getMessageImprintDigest())) {
                throw new IllegalStateException("an archive time-stamp is over something else");
            }
            String algorithm = AlgorithmIdentifier.getInstance(index.getObjectAt(0)).getAlgorithm().getId();
            int certificates = named(algorithm, index.getObjectAt(1), members(data.getCertificates()));
            int lists = named(algorithm, index.getObjectAt(2), members(data.getCRLs()));
            int attributes = named(algorithm, index.getObjectAt(3), others);
            Instant time = token.getTimeStampInfo().getGenTime().toInstant();
            said.append(" ARCHIVE ").append(time).append(' ').append(certificates).append(' ').append(lists);
            said.append(' ').append(attributes);
        }
    }

    private static List<byte[][]> members(ASN1Set set) throws Exception {
        var members = new ArrayList<byte[][]>();
        for (int index = 0; set != null && index < set.size(); index++) {
            members.add(new byte[][] {der(set.getObjectAt(index))});
        }
        return members;
    }

    /** How many there are, if the digests are those of all of them and of nothing else. */
    private static int named(String algorithm, ASN1Encodable digests, List<byte[][]> parts) throws Exception {
        var wanted = new ArrayList<String>();
        for (ASN1Encodable entry : ASN1Sequence.getInstance(digests)) {
            wanted.add(Arrays.toString(ASN1OctetString.getInstance(entry).getOctets()));
        }
        var found = new ArrayList<String>();
        for (byte[][] part : parts) {
            found.add(Arrays.toString(digest(algorithm, part)));
        }
        wanted.sort(null);
        found.sort(null);
        if (!wanted.equals(found)) {
            throw new IllegalStateException("an index names something else than what is there");
        }
        return found.size();
    }

    private static byte[] digest(String algorithm, byte[]... parts) throws Exception {
        MessageDigest digest = MessageDigest.getInstance(algorithm, "BC");
        for (byte[] part : parts) {
            digest.update(part);
        }
        return digest.digest();
    }

    private static byte[] der(ASN1Encodable element) throws Exception {
        return element.toASN1Primitive().getEncoded("DER");
    }

    static PrivateKey key(String path) throws Exception {
        try (var parser = new PEMParser(new FileReader(path))) {
            return new JcaPEMKeyConverter().setProvider("BC").getPrivateKey((PrivateKeyInfo) parser.readObject());
        }
    }

    static X509Certificate certificate(String path) throws Exception {
        try (var file = new FileInputStream(path)) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(file);
        }
    }
}
